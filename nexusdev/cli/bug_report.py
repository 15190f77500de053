"""Reports unexpected exceptions: the traceback goes to a file in the state folder, the user gets a short error."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from nexusdev import __version__
from nexusdev.errors import NexusError
from nexusdev.instance.state import state_root


def reported(bug: Exception, command: str, argv: Sequence[str]) -> NexusError:
    """Write the traceback of an unexpected exception to a file.

    Args:
        bug: The exception.
        command: Name of the command that failed.
        argv: Its arguments; only option names are written, because values may be secrets.

    Returns:
        The error to print. It contains the traceback if the file could not be written.
    """
    lines = "".join(traceback.format_exception(bug))
    try:
        file = _write(lines, command, argv)
    except OSError as error:
        return _error(bug, f"failed to write the traceback: {error}", lines.splitlines()[-15:])
    return _error(bug, f"this is a bug in nexusdev; the traceback is in {file}", ())


def _write(lines: str, command: str, argv: Sequence[str]) -> Path:
    folder = state_root() / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    # Only the names of the options: their values may be secrets.
    words = [command, *(word.partition("=")[0] for word in argv if word.startswith("--"))]
    file.write_text(f"nexusdev {__version__}, Python {sys.version.split()[0]}: {' '.join(words)}\n\n{lines}")
    file.chmod(0o600)
    return file


def _error(bug: Exception, why: str, evidence: Sequence[str]) -> NexusError:
    what = "internal error" if isinstance(bug, NexusError) else f"unexpected {type(bug).__name__}"
    return NexusError(
        f"{what}: {str(bug)[:300]}",
        why=why,
        hint="nexusdev -v …   run it again and print the traceback",
        evidence=evidence,
    )
