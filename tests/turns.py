"""How the worker processes of one run of the integration tests share the machine.

Tests that use the same instance run in one worker, one after the other. The workers run at the same time, except for a test with the marker
``alone``: it measures time, or removes all containers of an instance, whose ports are then free for others.
"""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_INTEGRATION = "tests/integration/"
#: The folder whose tests share the small instance.
_DAYS = f"{_INTEGRATION}bad_days/"
#: Files of other integration tests that do not use the session's instance.
_OWN = {f"{_INTEGRATION}{name}" for name in ("test_images.py", "test_toy.py", "test_wheel.py")} | {
    f"{_INTEGRATION}gateway/test_moved_servers.py",
    f"{_INTEGRATION}monitoring/test_rules.py",
}
#: Session fixture → the group of the tests that use it.
GROUPS = {"project": "stack", "days": "days"}


def group_of(file: str) -> str:
    """Return the group of the tests of a file; one worker runs all tests of a group.

    Args:
        file: Its path from the root of the repository. It is a group of its own if its tests share no instance with others.
    """
    if file.startswith(_DAYS):
        return GROUPS["days"]
    return GROUPS["project"] if file.startswith(_INTEGRATION) and file not in _OWN else file


def misplaced(fixtures: Collection[str], file: str) -> str:
    """Return the session fixture that a test must not use, because its file is in another group; '' for none."""
    return next((each for each, group in GROUPS.items() if each in fixtures and group_of(file) != group), "")


def breaks(fixtures: Collection[str], *, alone: bool) -> bool:
    """Return whether a test leaves traces that later tests have to wait for, such as locks of a killed server."""
    return alone or "heal" in fixtures


class Turns:
    """The turns of one worker process. Processes with the same folder take turns with each other.

    Args:
        folder: An existing folder for the two lock files.
    """

    def __init__(self, folder: Path) -> None:
        self._gate = (folder / "gate.lock").open("w")
        self._turn = (folder / "turn.lock").open("w")
        self._alone = False

    def take(self, *, alone: bool) -> None:
        """Wait until this process may run a test.

        A process that waits to be alone holds the gate, so that no other test starts before it.
        """
        if self._alone and alone:
            return
        self.give_back()
        with _held(self._gate):
            fcntl.flock(self._turn, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        self._alone = alone

    def give_back(self) -> None:
        """Let others start. Does nothing without a turn."""
        fcntl.flock(self._turn, fcntl.LOCK_UN)
        self._alone = False

    def close(self) -> None:
        """End this worker's part; a turn that it has is given back."""
        self._gate.close()
        self._turn.close()


@contextmanager
def _held(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
