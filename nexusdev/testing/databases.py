"""Databases that are made in the background, one ahead of the test that needs it, and dropped in the background."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Makes things one ahead of their use: while one is in use, the next one is made.

    ``make`` returns a context that makes a thing at its beginning and drops it at its end; both happen in the background.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Made]]) -> None:
        self._make = make
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="nexus")
        self._next: Future[tuple[Made, ExitStack]] | None = None
        self._dropping: list[Future[None]] = []

    def take(self) -> tuple[Made, ExitStack]:
        """Return a thing for one user, and begin to make the next one.

        Returns:
            The thing, and its context for ``give_back``.

        Raises:
            Exception: What ``make`` raised.
        """
        ready, self._next = self._next or self._begin(), None
        made = ready.result()
        self._next = self._begin()
        return made

    def give_back(self, context: ExitStack) -> None:
        """Drop a thing in the background. Errors are raised by ``close``."""
        self._dropping.append(self._threads.submit(context.close))

    def close(self) -> None:
        """Drop everything that is left, and wait until it is gone.

        Raises:
            Exception: What dropping one of the things raised.
        """
        if self._next is not None:
            ready, self._next = self._next, None
            if ready.exception() is None:
                self.give_back(ready.result()[1])
        self._threads.shutdown(wait=True)
        for each in self._dropping:
            each.result()

    def _begin(self) -> Future[tuple[Made, ExitStack]]:
        return self._threads.submit(self._enter)

    def _enter(self) -> tuple[Made, ExitStack]:
        context = ExitStack()
        return context.enter_context(self._make()), context
