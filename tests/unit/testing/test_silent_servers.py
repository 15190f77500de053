"""Servers that do not answer: one test waits for them, not each one."""

from __future__ import annotations

from nexusdev.errors import SeedingFailed
from nexusdev.testing.silent_servers import SilentServers


class Hours:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def ask(silent: SilentServers, clock: Hours, *, seconds: float) -> bool:
    """Ask a server that fails after so many seconds. Returns whether it was asked."""
    before = clock.time
    try:
        with silent.asking("postgres"):
            clock.time += seconds
            raise SeedingFailed("no answer")
    except SeedingFailed:
        return clock.time > before


def test_after_a_timeout_nobody_waits_again_for_a_minute() -> None:
    clock = Hours()
    silent = SilentServers(clock)
    assert ask(silent, clock, seconds=30)
    assert not ask(silent, clock, seconds=30)
    with silent.asking("redis"):
        pass
    clock.time += 61
    assert ask(silent, clock, seconds=30)


def test_a_quick_refusal_is_asked_again() -> None:
    clock = Hours()
    silent = SilentServers(clock)
    assert [ask(silent, clock, seconds=0.1) for _ in range(3)] == [True, True, True]


def test_servers_that_were_started_are_asked_at_once() -> None:
    clock = Hours()
    silent = SilentServers(clock)
    assert ask(silent, clock, seconds=30)
    silent.forget()
    assert ask(silent, clock, seconds=30)
