"""Marks a cluster while it is made, so that one whose making was killed is not taken for a whole one.

The mark is locked by the process that makes the cluster and by the program kind, which may outlive it: who removes the rest waits for both.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nexusdev.errors import Locked
from nexusdev.util.files import make_folder

_NAME = "unfinished"
_PATIENCE = 180.0  # seconds; kind gives up after less
_TICK = 0.2


def is_unfinished(folder: Path) -> bool:
    """Return whether the cluster with this state folder is being made, or was not made to its end."""
    return (folder / _NAME).exists()


@contextmanager
def unfinished(folder: Path, *, patience: float = _PATIENCE) -> Iterator[int]:
    """Mark the cluster until the block ends without an error. Yield the file descriptor that programs shall keep.

    Args:
        folder: The folder of the cluster's files.
        patience: How long to wait for a program that an earlier process has left, in seconds.

    Raises:
        Locked: Such a program still runs.
    """
    make_folder(folder)
    mark = folder / _NAME
    with mark.open("w") as file:
        _lock(file.fileno(), patience)
        yield file.fileno()
        mark.unlink(missing_ok=True)


def _lock(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Locked(
                    "another process still makes the cluster",
                    why="kind runs since a command that was killed",
                    hint="ps -ef | grep 'kind create cluster'   show it",
                ) from None
            time.sleep(_TICK)
        else:
            return
