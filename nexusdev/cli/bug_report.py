"""A failure that nobody foresaw: its traceback goes to a file of the state folder, the person gets three lines."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from nexusdev import __version__
from nexusdev.errors import NexusError
from nexusdev.instance.state import state_root


def reported(bug: Exception, command: str, argv: Sequence[str], *, verbose: bool) -> NexusError:
    """The error to print for a bug. Its traceback is written down; where it cannot be, it is shown."""
    lines = "".join(traceback.format_exception(bug))
    if verbose:
        sys.stderr.write(lines)
    try:
        file = _write(lines, command, argv)
    except OSError as error:
        return _error(bug, f"its traceback could not be written: {error}", lines.splitlines()[-15:])
    return _error(bug, f"this is a bug in nexusdev; the traceback is in {file}", ())


def _write(lines: str, command: str, argv: Sequence[str]) -> Path:
    folder = state_root() / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    # Of the arguments only the names: values behind them may be secrets.
    words = [command, *(word.partition("=")[0] for word in argv if word.startswith("--"))]
    file.write_text(f"nexusdev {__version__}, Python {sys.version.split()[0]}: {' '.join(words)}\n\n{lines}")
    file.chmod(0o600)
    return file


def _error(bug: Exception, why: str, evidence: Sequence[str]) -> NexusError:
    return NexusError(
        f"unexpected {type(bug).__name__}: {str(bug)[:300]}",
        why=why,
        hint="nexusdev -v …   the same again, with the traceback on the screen",
        evidence=evidence,
    )
