"""The caller's side of a command in a container: raw mode and size of the terminal, and the signals that the caller gets."""

from __future__ import annotations

import contextlib
import queue
import shutil
import signal
import threading
from collections.abc import Iterator
from typing import IO, Any

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


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


@contextlib.contextmanager
def caller_signals() -> Iterator[queue.SimpleQueue[int]]:
    """Yield the signals that this process receives during the block. They are forwarded to the command."""
    received: queue.SimpleQueue[int] = queue.SimpleQueue()
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [getattr(signal, name) for name in _PASSED_ON if hasattr(signal, name)]
    before: dict[int, Any] = {
        number: signal.signal(number, lambda given, _frame: received.put(given)) for number in numbers
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
