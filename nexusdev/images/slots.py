"""How many builds run at once, and who goes first. A lane is several builds that together count as one."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

_COURTESY = 0.05


class Slots:
    """As many places as there are cores. Of those who wait, the lowest rank goes first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lanes: Counter[str] = Counter()
        self._waiting: list[tuple[int, int]] = []
        self._next = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, *, rank: int, lane: str = "") -> Iterator[None]:
        """Hold a place during the block. Whoever enters a lane that somebody is in needs none of his own."""
        self._enter(rank, lane)
        try:
            yield
        finally:
            self._leave(lane)

    def _enter(self, rank: int, lane: str) -> None:
        with self._changed:
            if rank:  # children of one parent come all at once: let those who go first come first
                self._changed.wait(_COURTESY)
            ticket = (rank, self._next)
            self._next += 1
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._shares(lane) or (self._free > 0 and min(self._waiting) == ticket))
            self._waiting.remove(ticket)
            if not self._shares(lane):
                self._free -= 1
            if lane:
                self._lanes[lane] += 1
            self._changed.notify_all()

    def _leave(self, lane: str) -> None:
        with self._changed:
            if lane:
                self._lanes[lane] -= 1
            if not self._shares(lane):
                self._free += 1
            self._changed.notify_all()

    def _shares(self, lane: str) -> bool:
        return bool(lane) and self._lanes[lane] > 0
