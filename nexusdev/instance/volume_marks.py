"""The data volumes of an instance that have ever existed: ``volumes.json`` in its state folder.

A volume is marked when nexusdev creates or first sees it. The mark is removed when nexusdev removes the volume, or when the user agrees
that it is created again. A mark without a volume means that data was removed outside of nexusdev, or that another engine has it: the file
also says which engine had the volume that was marked last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import Struct, json

from nexusdev.util.files import replace

_FILE = "volumes.json"


class Origin(Struct, frozen=True, kw_only=True):
    """Where volumes were created. ``engine``: its identity (``PlatformFacts.identity``); ``machine``: its host name. Both '' if unknown."""

    engine: str = ""
    machine: str = ""


class _Marks(Struct, frozen=True, kw_only=True):
    """The file's content. ``seen``: volume → when it was first seen, in seconds since the epoch."""

    seen: Mapping[str, float] = {}
    origin: Origin = Origin()


def read(folder: Path) -> Mapping[str, float]:
    """Return volume → when it was first seen, in seconds since the epoch. Empty if the file is missing or cannot be read."""
    return _marks(folder).seen


def origin(folder: Path) -> Origin:
    """Return where the volume that was marked last was created."""
    return _marks(folder).origin


def _marks(folder: Path) -> _Marks:
    try:
        return json.decode((folder / _FILE).read_bytes(), type=_Marks)
    except (OSError, ValueError):
        return _Marks()


def add(
    folder: Path, volumes: Collection[str], *, now: Callable[[], float], here: Callable[[], Origin] = Origin
) -> None:
    """Mark existing volumes. Marked ones keep their time; the clock, the origin and the file are only used for new ones.

    Args:
        folder: The state folder.
        volumes: Short names of the volumes.
        now: Returns the time, in seconds since the epoch.
        here: Returns where they are.
    """
    known = read(folder)
    if fresh := [name for name in volumes if name not in known]:
        _write(folder, _Marks(seen={**known, **dict.fromkeys(fresh, now())}, origin=here()))


def strike(folder: Path, volumes: Collection[str]) -> None:
    """Remove the marks of volumes that may be created again."""
    marks = _marks(folder)
    if not marks.seen.keys().isdisjoint(volumes):
        left = {name: since for name, since in marks.seen.items() if name not in volumes}
        _write(folder, _Marks(seen=left, origin=marks.origin))


def _write(folder: Path, marks: _Marks) -> None:
    replace(folder / _FILE, json.encode(marks) + b"\n")
