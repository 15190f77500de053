"""The numbers of the project's own services: ``own-services.json`` in the state folder. A service keeps its address and host ports."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nexusdev.stack.model import Allocations
from nexusdev.util.files import replace

_FILE = "own-services.json"


def read(folder: Path) -> Allocations:
    """What was written; nothing where there is no such file, or none that can be read: the numbers are then given again."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Allocations)
    except (OSError, msgspec.DecodeError):
        return Allocations()


def write(folder: Path, allocations: Allocations) -> None:
    """Keep the numbers of the services that there are now."""
    if allocations != read(folder):
        replace(folder / _FILE, msgspec.json.encode(allocations).decode() + "\n")
