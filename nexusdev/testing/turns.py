"""Whose turn it is: tests run side by side, and a test that breaks servers runs alone, over all processes of all runs on an instance.

There are two locks. Who waits for the second one holds the first one, so that a test that wants to be alone is not overtaken for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from nexusdev.errors import Locked
from nexusdev.util import lock
from nexusdev.util.lock import Holder

#: Seconds: how long a test waits for others.
_PATIENCE = 1800.0
_QUEUE, _TURN, _BROKEN = "pytest-queue", "pytest-turn", "pytest-alone"
BESIDE, ALONE = "pytest", "pytest with nexus_chaos"


@contextmanager
def beside(folder: Path, *, is_alone: Callable[[], bool]) -> Iterator[None]:
    """Let no test of another process break servers during the block, which works for a test of this process.

    It does not wait in the queue: a test that has its turn may wait for it.

    Args:
        folder: Where the lock files are.
        is_alone: Whether this process has a turn alone; then there is nothing to wait for.

    Raises:
        Locked: A test that runs alone did not end within half an hour.
    """
    end = time.monotonic() + _PATIENCE
    with ExitStack() as held:
        while not is_alone():
            try:
                held.enter_context(_hold(folder, _TURN, BESIDE, shared=True, patience=lock.Patience(seconds=0.5)))
                break
            except Locked:
                if time.monotonic() >= end:
                    raise
        yield


def last_alone(folder: Path) -> float:
    """Return when a test last began to run alone, in seconds since the epoch; 0.0 for never."""
    try:
        return (folder / _BROKEN).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _hold(
    folder: Path, name: str, command: str, *, shared: bool, patience: lock.Patience
) -> AbstractContextManager[lock.Held]:
    return lock.hold(
        folder / name, subject="the servers that tests use", command=command, shared=shared, patience=patience
    )


@contextmanager
def turn(folder: Path, *, alone: bool, tell: Callable[[str], None]) -> Iterator[None]:
    """Take a turn for one test.

    Args:
        folder: Where the lock files are.
        alone: Whether no other test may run meanwhile.
        tell: Called once with a sentence if others have to be waited for.

    Raises:
        Locked: Others did not end within half an hour.
    """
    told: list[str] = []

    def waiting(holder: Holder | None) -> None:
        if not told:
            told.append(f"waiting for {holder.who if holder else 'another test'}")
            tell(told[0])

    patience = lock.Patience(seconds=_PATIENCE, tell=waiting)
    command = ALONE if alone else BESIDE

    with ExitStack() as held:
        with ExitStack() as queue:
            queue.enter_context(_hold(folder, _QUEUE, command, shared=not alone, patience=patience))
            held.enter_context(_hold(folder, _TURN, command, shared=not alone, patience=patience))
            if alone:
                held.push(queue.pop_all())
                (folder / _BROKEN).touch()
        yield
