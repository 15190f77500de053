"""The numbers of the project's own services: ``own-services.json`` in the state folder. A service keeps its address and host ports."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nexusdev.stack.model import Allocations
from nexusdev.util.files import replace

_FILE = "own-services.json"


def read(folder: Path) -> Allocations:
    """Return the stored numbers; empty if the file is missing or cannot be read, so that numbers are allocated again."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Allocations)
    except (OSError, msgspec.DecodeError):
        return Allocations()


def write(folder: Path, allocations: Allocations) -> None:
    """Store the numbers of the current services."""
    if allocations != read(folder):
        replace(folder / _FILE, msgspec.json.encode(allocations).decode() + "\n")
