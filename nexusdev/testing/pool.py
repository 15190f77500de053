"""Things that are made in the background, before a test needs them, and dropped or cleaned in the background."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

from msgspec import Struct

Made = TypeVar("Made")

#: How many things are made at once, and how many used ones may wait until nothing is being made.
_MAKERS, _USED = 2, 4


class Thing(Struct, Generic[Made], frozen=True, kw_only=True):
    """One thing of a pool, and the context that drops it."""

    value: Made
    context: ExitStack


class Pool(Generic[Made]):
    """Keeps things ready for the tests of one process.

    One thing is ahead at first. Whenever a test had to wait, their number doubles. So a suite of slow tests has one database ready, and one of many
    quick tests several. Things that are cleaned are made when a test would wait for the cleaning of the one before.

    Args:
        make: Returns a context that makes a thing at its beginning and drops it at its end; both happen in the background.
        clean: Makes a used thing as good as new, in the background; None if each thing is used once.
        most: How many things are ahead at most; of those that are cleaned, how many exist.
        expected: How many will be taken, so that no more are made ahead; 0 if that is unknown. More may be taken.
    """

    def __init__(
        self,
        make: Callable[[], AbstractContextManager[Made]],
        *,
        clean: Callable[[Made], None] | None = None,
        most: int = 8,
        expected: int = 0,
    ) -> None:
        self._make, self._clean, self._most, self._expected = make, clean, most, expected
        self._ahead = 1 if clean is None else 0
        self._taken = self._existing = 0
        self._coming: list[Future[Thing[Made]]] = []
        self._dropping: list[Future[None]] = []
        self._makers = ThreadPoolExecutor(_MAKERS, thread_name_prefix="nexus-make")
        self._droppers = ThreadPoolExecutor(1, thread_name_prefix="nexus-drop")
        self._calm = threading.Condition()
        self._making = self._used = 0
        self._closing = False

    def prepare(self) -> None:
        """Begin to make the first thing."""
        if not self._coming:
            self._begin()

    def take(self) -> Thing[Made]:
        """Return a thing for one user, for ``give_back``.

        What failed before somebody asked for it is no error: a server may have been down during the test before.

        Raises:
            Exception: What making or cleaning this thing raised.
        """
        for _ in tuple(self._coming):
            with contextlib.suppress(Exception):
                return self._next()
        self._begin()
        return self._next()

    def _next(self) -> Thing[Made]:
        coming = next((each for each in self._coming if each.done()), self._coming[0])
        self._coming.remove(coming)
        if self._taken and not coming.done():
            self._ahead = min(max(1, 2 * self._ahead), self._most)
        self._taken += 1
        self._refill()
        try:
            return coming.result()
        except Exception:
            self._existing -= 1
            raise

    def give_back(self, thing: Thing[Made]) -> None:
        """Clean or drop a thing in the background. Errors of dropping are raised by ``close``, a thing that cannot be cleaned is dropped."""
        if self._clean is not None:
            self._coming.append(self._makers.submit(self._cleaned, thing, self._clean))
            return
        with self._calm:
            self._used += 1
            self._calm.notify_all()
        self._dropping.append(self._droppers.submit(self._drop, thing))

    def close(self) -> None:
        """Drop everything that is left, and wait until it is gone.

        Raises:
            Exception: What dropping one of the things raised.
        """
        with self._calm:
            self._closing = True
            self._calm.notify_all()
        self._makers.shutdown(wait=True)
        left = [each.result() for each in self._coming if each.exception() is None]
        self._dropping += [self._droppers.submit(thing.context.close) for thing in left]
        self._droppers.shutdown(wait=True)
        for dropped in self._dropping:
            dropped.result()

    def _refill(self) -> None:
        ahead = min(self._ahead, max(0, self._expected - self._taken)) if self._expected else self._ahead
        while len(self._coming) < ahead and (self._clean is None or self._existing < self._most):
            self._begin()

    def _begin(self) -> None:
        self._existing += 1
        self._coming.append(self._makers.submit(self._made))

    def _made(self) -> Thing[Made]:
        with self._calm:
            if self._closing:
                raise RuntimeError("the pool is closed")
            self._making += 1
        try:
            context = ExitStack()
            return Thing(value=context.enter_context(self._make()), context=context)
        finally:
            with self._calm:
                self._making -= 1
                self._calm.notify_all()

    def _cleaned(self, thing: Thing[Made], clean: Callable[[Made], None]) -> Thing[Made]:
        if self._closing:
            return thing
        try:
            clean(thing.value)
        except Exception:
            thing.context.close()
            raise
        return thing

    def _drop(self, thing: Thing[Made]) -> None:
        """Drop a thing while nothing is made, because both delay each other on the server."""
        with self._calm:
            self._calm.wait_for(lambda: self._closing or not self._making or self._used > _USED)
            self._used -= 1
        thing.context.close()
