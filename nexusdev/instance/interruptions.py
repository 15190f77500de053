"""Records which change of an instance's data is under way, so that the command after a kill knows: ``unfinished.json`` in the state folder.

The record is written before the change, and removed after it. Whoever holds the instance's lock and finds a record knows that its writer is dead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct, json

from nexusdev.errors import InvalidState
from nexusdev.util.files import replace

_FILE = "unfinished.json"
#: Commands that finish an interrupted change, or do not use the data.
_ALLOWED = ("nexusdev snapshot ", "nexusdev down", "nexusdev stop", "nexusdev destroy", "nexusdev gc", "nexusdev adopt")


class UnfinishedChange(Struct, frozen=True, kw_only=True):
    """A change of the data that has begun.

    Attributes:
        kind: The command: ``reset``, or ``restore`` of a snapshot.
        subject: The snapshot of a ``restore``, by its file.
        components: The components of a ``reset``.
    """

    kind: Literal["reset", "restore"]
    subject: str = ""
    components: tuple[str, ...] = ()


def begin(folder: Path, unfinished: UnfinishedChange) -> None:
    """Record a change that begins. ``folder``: the state folder."""
    replace(folder / _FILE, json.encode(unfinished) + b"\n")


def end(folder: Path) -> None:
    """Remove the record: the change is complete."""
    (folder / _FILE).unlink(missing_ok=True)


def read(folder: Path) -> UnfinishedChange | None:
    """Return the change that has begun and has not ended; None if there is none."""
    try:
        return json.decode((folder / _FILE).read_bytes(), type=UnfinishedChange)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InvalidState(
            f"{folder / _FILE} cannot be read", why=str(error), hint="nexusdev reset   replace the data by the seeds"
        ) from error


def require_none(folder: Path, command: str) -> None:
    """Refuse a command that would use data of which a part is old and a part is new.

    Args:
        folder: The state folder.
        command: The command, as it is typed.

    Raises:
        InvalidState: A change was interrupted (RESET_INTERRUPTED, RESTORE_INTERRUPTED).
    """
    if command.startswith(_ALLOWED) or not (found := read(folder)):
        return
    if found.kind == "restore":
        raise InvalidState(
            f"the restore of snapshot {Path(found.subject).name} was interrupted",
            why="the snapshot replaces the data from the moment on at which the servers were stopped; a part of it is not written yet",
            hint="nexusdev snapshot restore   finish it",
            code="RESTORE_INTERRUPTED",
        )
    if command != "nexusdev reset":
        raise InvalidState(
            f"the reset of {', '.join(found.components)} was interrupted",
            why="some data is that of the seeds, and some may be missing or as it was before",
            hint="nexusdev reset   finish it",
            code="RESET_INTERRUPTED",
        )
