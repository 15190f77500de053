"""Controls the caller's terminal: raw mode while a command in a container uses it, and its size."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def raw_terminal(stdin: IO[bytes]) -> Iterator[None]:
    """Set the terminal to raw mode during the block, so that keys are passed on at once, including Ctrl-C. No effect without a terminal."""
    try:
        import termios
        import tty

        descriptor = stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError, termios.error):
        yield
        return
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def terminal_size() -> tuple[int, int]:
    """Return rows and columns of the terminal."""
    size = shutil.get_terminal_size()
    return size.lines, size.columns
