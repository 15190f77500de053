"""The data volumes of an instance that have ever existed: ``volumes.json`` in its state folder.

A volume is marked when nexusdev creates or first sees it. The mark is removed when nexusdev removes the volume, or when the user agrees
that it is created again. A mark without a volume means that data was removed outside of nexusdev.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import Struct, json

from nexusdev.util.files import replace

_FILE = "volumes.json"


class _Marks(Struct, frozen=True, kw_only=True):
    """The file's content. ``seen``: volume → when it was first seen, in seconds since the epoch."""

    seen: Mapping[str, float]


def read(folder: Path) -> Mapping[str, float]:
    """Return volume → when it was first seen, in seconds since the epoch. Empty if the file is missing or cannot be read."""
    try:
        return json.decode((folder / _FILE).read_bytes(), type=_Marks).seen
    except (OSError, ValueError):
        return {}


def add(folder: Path, volumes: Collection[str], *, now: Callable[[], float]) -> None:
    """Mark existing volumes. Marked ones keep their time; the clock and the file are only used for new ones.

    Args:
        folder: The state folder.
        volumes: Short names of the volumes.
        now: Returns the time, in seconds since the epoch.
    """
    known = read(folder)
    if fresh := [name for name in volumes if name not in known]:
        _write(folder, {**known, **dict.fromkeys(fresh, now())})


def strike(folder: Path, volumes: Collection[str]) -> None:
    """Remove the marks of volumes that may be created again."""
    known = read(folder)
    if not known.keys().isdisjoint(volumes):
        _write(folder, {name: since for name, since in known.items() if name not in volumes})


def _write(folder: Path, seen: Mapping[str, float]) -> None:
    replace(folder / _FILE, json.encode(_Marks(seen=seen)) + b"\n")
