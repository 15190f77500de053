"""Limits the number of parallel builds, and determines their order. A group of builds shares one slot."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

_CHILD_DELAY = 0.05


class BuildSlots:
    """A semaphore with one slot per core. Waiting builds with the lowest priority number come first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._groups: Counter[str] = Counter()
        self._waiting: list[tuple[int, int]] = []
        self._next = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, *, priority: int, group: str = "") -> Iterator[None]:
        """Hold a slot during the block.

        Args:
            priority: Waiting builds with a lower number come first.
            group: Builds of the same group share one slot; '' for none.
        """
        self._enter(priority, group)
        try:
            yield
        finally:
            self._leave(group)

    def _enter(self, priority: int, group: str) -> None:
        with self._changed:
            if priority:  # builds on the same base arrive at once: wait until those with precedence have arrived
                self._changed.wait(_CHILD_DELAY)
            ticket = (priority, self._next)
            self._next += 1
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._shares(group) or (self._free > 0 and min(self._waiting) == ticket))
            self._waiting.remove(ticket)
            if not self._shares(group):
                self._free -= 1
            if group:
                self._groups[group] += 1
            self._changed.notify_all()

    def _leave(self, group: str) -> None:
        with self._changed:
            if group:
                self._groups[group] -= 1
            if not self._shares(group):
                self._free += 1
            self._changed.notify_all()

    def _shares(self, group: str) -> bool:
        return bool(group) and self._groups[group] > 0
