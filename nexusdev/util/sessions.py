"""Connections that several operations use one after the other: a handshake and a login cost more than most answers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

Kept = TypeVar("Kept")


class Sessions:
    """Opens sessions. With ``keep``, a session is used again until ``close``; otherwise it is closed after each use.

    A session is used by one thread at a time. Two threads that want the same one get two.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._keep = keep
        self._idle: dict[Hashable, list[tuple[Any, ExitStack]]] = {}
        self._guard = threading.Lock()

    @contextmanager
    def use(
        self, key: Hashable, connect: Callable[[], AbstractContextManager[Kept]], works: Callable[[Kept], bool]
    ) -> Iterator[Kept]:
        """Lend a session. It is closed if the block raises.

        Args:
            key: Sessions with the same key are alike.
            connect: Opens a session.
            works: Whether a session that was kept still leads to the server that ``connect`` would reach. An error means that it does not.

        Raises:
            Exception: What ``connect`` raises.
        """
        session, context = self._kept(key, works) or self._opened(connect)
        with ExitStack() as used:
            used.push(context)
            yield session
            with self._guard:
                if self._keep:  # else it is closed; after ``close`` nobody would close it
                    used.pop_all()
                    self._idle.setdefault(key, []).append((session, context))

    def close(self) -> None:
        """Close the sessions that nobody uses."""
        with self._guard:
            idle, self._idle = self._idle, {}
            self._keep = False
        for sessions in idle.values():
            for _, context in sessions:
                _close(context)

    def _kept(self, key: Hashable, works: Callable[[Kept], bool]) -> tuple[Kept, ExitStack] | None:
        while True:
            with self._guard:
                idle = self._idle.get(key)
                found = idle.pop() if idle else None
            if found is None:
                return None
            with contextlib.suppress(Exception):
                if works(found[0]):
                    return found
            _close(found[1])

    def _opened(self, connect: Callable[[], AbstractContextManager[Kept]]) -> tuple[Kept, ExitStack]:
        context = ExitStack()
        return context.enter_context(connect()), context


def _close(context: ExitStack) -> None:
    """Close a session; its server may be gone."""
    with contextlib.suppress(Exception):
        context.close()
