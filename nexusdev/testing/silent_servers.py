"""How long tests wait for servers that do not answer: the first one until its timeout, those after it not again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nexusdev.errors import NexusError

#: Seconds: a failure that took longer was a timeout, and how long nobody tries again after it.
_TIMEOUT, _REST = 5.0, 60.0


class SilentServers:
    """Remembers which components did not answer in time.

    Args:
        now: The time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._silent: dict[str, tuple[NexusError, float]] = {}

    @contextmanager
    def asking(self, component: str) -> Iterator[None]:
        """Ask a component during the block.

        Raises:
            NexusError: It did not answer in time within the last minute; this is the error of then.
        """
        error, until = self._silent.get(component, (None, 0.0))
        if error is not None and self._now() < until:
            raise error
        began = self._now()
        try:
            yield
        except NexusError as failed:
            if self._now() - began > _TIMEOUT:
                self._silent[component] = (failed, self._now() + _REST)
            raise

    def forget(self) -> None:
        """Let everybody try again: servers were started."""
        self._silent.clear()
