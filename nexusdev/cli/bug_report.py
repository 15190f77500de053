"""Reports unexpected exceptions: the traceback goes to a file in the state folder, the user gets a short error."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev import __version__
from nexusdev.errors import NexusError
from nexusdev.instance.paths import state_root
from nexusdev.util.files import STORAGE_ERRORS, make_folder, replace, storage_failed


def of_storage(bug: Exception) -> NexusError | None:
    """Return the error for a file that a full or read-only file system refused, None for any other exception."""
    if isinstance(bug, OSError) and bug.errno in STORAGE_ERRORS and isinstance(bug.filename, str):
        return storage_failed(Path(bug.filename), 0, bug)
    return None


def reported(bug: Exception, command: str, argv: Sequence[str], facts: Mapping[str, str]) -> NexusError:
    """Write the traceback of an unexpected exception to a file.

    Args:
        bug: The exception.
        command: Name of the command that failed.
        argv: Its arguments; only option names are written, because values may be secrets.
        facts: Name → value of what else the report says: instance, phase, plan. Empty values are left out.

    Returns:
        The error to print. It contains the notes of the exception, which name its component or step, and the traceback if the
        file could not be written.
    """
    notes = tuple(getattr(bug, "__notes__", ()))
    lines = "".join(traceback.format_exception(bug))
    try:
        file = _write(lines, command, argv, facts)
    except (OSError, NexusError) as error:
        return _error(bug, f"failed to write the traceback: {error}", (*notes, *lines.splitlines()[-15:]))
    return _error(bug, f"this is a bug in nexusdev; the traceback is in {file}", notes)


def _write(lines: str, command: str, argv: Sequence[str], facts: Mapping[str, str]) -> Path:
    folder = state_root() / "logs"
    make_folder(folder)
    # With microseconds and the process ID, so that two bugs in the same second get separate files.
    moment = time.time_ns()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(moment // 10**9))
    file = folder / f"bug-{stamp}-{moment % 10**9 // 1000:06d}-{os.getpid()}.txt"
    # Only the names of options, because their values may be secrets.
    words = [command, *(word.partition("=")[0] for word in argv if word.startswith("--"))]
    head = f"nexusdev {__version__}, Python {sys.version.split()[0]}: {' '.join(words)}\n"
    head += "".join(f"{name}: {value}\n" for name, value in facts.items() if value)
    replace(file, f"{head}\n{lines}")
    return file


def _error(bug: Exception, why: str, evidence: Sequence[str]) -> NexusError:
    name = "" if isinstance(bug, NexusError) else f"{type(bug).__name__}: "
    return NexusError(
        f"internal error: {name}{str(bug)[:300]}",
        why=why,
        hint="nexusdev -v …   run it again and print the traceback",
        evidence=evidence,
    )
