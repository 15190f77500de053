"""Sessions that are kept for the next operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nexusdev.util.sessions import Sessions


class Server:
    """Numbers its sessions; remembers which are open."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.opened = 0
        self.healthy = True

    @contextmanager
    def connect(self) -> Iterator[int]:
        self.opened += 1
        number = self.opened
        self.open.add(number)
        try:
            yield number
        finally:
            self.open.remove(number)

    def works(self, session: int) -> bool:
        del session
        if not self.healthy:
            raise OSError("the server is gone")
        return True


def test_a_session_is_closed_after_each_use_by_default() -> None:
    server, sessions = Server(), Sessions()
    for number in (1, 2):
        with sessions.use("a", server.connect, server.works) as session:
            assert session == number
        assert server.open == set()


def test_a_kept_session_is_used_again_until_the_end() -> None:
    server, sessions = Server(), Sessions(keep=True)
    for _ in range(2):
        with sessions.use("a", server.connect, server.works) as session:
            assert session == 1
    with sessions.use("b", server.connect, server.works) as other:
        assert other == 2
    sessions.close()
    assert server.open == set()


def test_two_uses_at_once_get_two_sessions() -> None:
    server, sessions = Server(), Sessions(keep=True)
    with sessions.use("a", server.connect, server.works) as one, sessions.use("a", server.connect, server.works) as two:
        assert one != two


def test_a_kept_session_that_works_no_more_is_replaced() -> None:
    server, sessions = Server(), Sessions(keep=True)
    with sessions.use("a", server.connect, server.works):
        pass
    server.healthy = False
    with sessions.use("a", server.connect, server.works) as session:
        assert session == 2
    assert server.open == {2}


def test_a_session_is_closed_if_its_user_fails() -> None:
    server, sessions = Server(), Sessions(keep=True)
    with pytest.raises(OSError, match="lost"), sessions.use("a", server.connect, server.works):
        raise OSError("lost")
    assert server.open == set()


def test_a_session_that_is_in_use_at_the_end_is_not_kept() -> None:
    server, sessions = Server(), Sessions(keep=True)
    with sessions.use("a", server.connect, server.works):
        sessions.close()
    assert server.open == set()


def test_a_session_that_is_in_use_at_the_end_is_closed_after_its_use() -> None:
    server, sessions = Server(), Sessions(keep=True)
    with sessions.use("a", server.connect, server.works):
        sessions.close()
        assert server.open == {1}
    assert server.open == set()
