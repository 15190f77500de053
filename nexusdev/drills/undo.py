"""The record of a drill that runs: what must be undone, by whichever process does it.

``drill.json`` in the state folder exists from before the first fault until the baseline is proven again. The process of the drill holds the
lock beside it as long as it lives, so that a record without a holder is one that was left behind: by ``kill -9``, or by a machine that
stopped. The next command then undoes the drill.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from nexusdev.faults import Fault
from nexusdev.util import lock
from nexusdev.util.files import replace

FILE, LOCK = "drill.json", "drill.lock"
#: What ends a fault that lasts. A server that was killed or crashed is started.
ENDS = {Fault.PAUSE: Fault.RESUME, Fault.PARTITION: Fault.HEAL}


class Unfinished(Struct, frozen=True, kw_only=True):
    """What a drill changed.

    Attributes:
        drill: The name of its scenario.
        fault: The fault; '' if none was injected yet.
        victims: The servers that it hits.
        running: The services that ran before, and shall run again.
        mark: Part of the name of everything that the clients wrote.
        loads: The components that were loaded.
        began: When it began, in seconds since the epoch.
    """

    drill: str
    victims: tuple[str, ...]
    running: tuple[str, ...]
    mark: str
    loads: tuple[str, ...]
    began: float
    fault: str = ""


def write(folder: Path, record: Unfinished) -> None:
    """Write the record. ``folder``: the state folder of the instance."""
    replace(folder / FILE, json.encode(record))


def read(folder: Path) -> Unfinished | None:
    """Return the record; None if there is none. A broken one counts as one of nothing: all that is known is that a drill was there."""
    try:
        return json.decode((folder / FILE).read_bytes(), type=Unfinished)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, DecodeError, ValidationError):
        return Unfinished(drill="unknown", victims=(), running=(), mark="", loads=(), began=0.0)


def forget(folder: Path) -> None:
    """Remove the record."""
    (folder / FILE).unlink(missing_ok=True)


def left_behind(folder: Path) -> bool:
    """Return whether a drill ended without undoing what it did. Quick: every command asks."""
    return (folder / FILE).exists() and not lock.is_held(folder / LOCK)


def working(folder: Path) -> AbstractContextManager[lock.Held]:
    """Hold the lock of a drill. Raises Locked if another drill runs."""
    return lock.hold(folder / LOCK, subject="a drill of this instance", command="nexusdev drill")
