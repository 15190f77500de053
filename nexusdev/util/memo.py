"""Values that are computed once and cached on their owner, not globally."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T")


class Memo:
    """Made values by their key. Safe to use from several threads: two that ask for the same key get the same value."""

    def __init__(self) -> None:
        self._made: dict[Hashable, object] = {}
        self._guard = threading.RLock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of ``key``, made by ``make`` the first time.

        Raises:
            Whatever ``make`` raises; nothing is kept then.
        """
        with self._guard:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]  # type: ignore[return-value]  # the value that make returned for this key
