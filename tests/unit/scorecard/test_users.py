"""Many users at once: all of them are connected at the same time, and every error counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexusdev.components.scores import ScoreBench, UserSession
from nexusdev.scorecard import users
from tests.access import instance_access

BENCH = ScoreBench(access=instance_access(Path()), values={}, quick=True)


@dataclass
class System:
    """A system that counts its connections.

    Attributes:
        refuses: Users whose connection is refused.
        breaks_at: The request that fails; 0 for none.
    """

    name: str = "postgres"
    refuses: int = 0
    breaks_at: int = 0
    open: int = 0
    most: int = 0
    requests: int = 0

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        if self.refuses:
            self.refuses -= 1
            raise ConnectionRefusedError("too many clients")
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            yield self._request
        finally:
            self.open -= 1

    async def _request(self) -> None:
        self.requests += 1
        if self.requests == self.breaks_at:
            raise TimeoutError("no answer")

    def user_session(self, values: Mapping[str, str]) -> UserSession:
        return self._session()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users who do not think: the pauses are no part of the code under test."""
    monkeypatch.setattr(users, "_THINKS", (0.0, 0.0))


def test_all_users_are_connected_at_the_same_time() -> None:
    system = System()
    found = users.many_users(BENCH, [system])
    assert system.most == 100
    assert system.open == 0
    assert found.value == 0
    assert found.samples == 400
    assert found.details["postgres users at once"] == "100"


def test_refused_users_are_errors_and_the_others_work() -> None:
    found = users.many_users(BENCH, [System(refuses=3)])
    assert found.value == 3
    assert found.samples == 4 * 97
    assert found.details["postgres error"] == "3 × ConnectionRefusedError: too many clients"


def test_a_failed_request_is_an_error() -> None:
    found = users.many_users(BENCH, [System(breaks_at=250)])
    assert found.value == 1
    assert "TimeoutError: no answer" in found.details["postgres error"]


def test_nobody_waits_if_all_are_refused() -> None:
    found = users.many_users(BENCH, [System(refuses=100)])
    assert (found.value, found.samples) == (100, 0)
    assert "postgres p95" not in found.details
