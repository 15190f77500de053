"""Whether a container was asked to end, by what the engine did to it before, and errors of the threads that read streams."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from nexusdev.runtimes.docker.streams import ContainerExits, Logs, _is_asked


def event(action: str, signal: str = "") -> dict[str, Any]:
    return {"Action": action, "Actor": {"Attributes": {"signal": signal} if signal else {}}}


@pytest.mark.parametrize("signal", ["15", "2", "3"])
def test_a_stop_signal_counts_as_a_requested_stop(signal: str) -> None:
    assert _is_asked([event("kill", signal)])


@pytest.mark.parametrize("signal", ["9", "1", "11", "19", "SIGTERM+1", ""])
def test_other_signals_do_not_count_as_a_requested_stop(signal: str) -> None:
    assert not _is_asked([event("kill", signal)])


@pytest.mark.parametrize("action", ["stop", "destroy"])
def test_a_stop_or_removal_counts_as_requested_with_any_signal(action: str) -> None:
    assert _is_asked([event("kill", "9"), event(action)])


def test_an_exit_without_a_preceding_event_is_not_requested() -> None:
    assert not _is_asked([])


class BrokenStream:
    """A stream of the engine whose first item is not what the engine sends."""

    def __iter__(self) -> BrokenStream:
        return self

    def __next__(self) -> bytes:
        raise KeyError("Actor")

    def close(self) -> None:
        """Nothing is open."""


class WrittenLog(list[bytes]):
    """A log that ends: nothing was written to it."""

    def close(self) -> None:
        """Nothing is open."""


def broken_engine() -> Any:
    """An engine with one container, whose streams are all broken once they are followed."""

    def logs(_container: str, *, follow: bool, **_: object) -> Any:
        return BrokenStream() if follow else WrittenLog()

    http = SimpleNamespace(events=lambda **_: BrokenStream(), containers=lambda **_: [{"Id": "1"}])
    return SimpleNamespace(http=http, api=SimpleNamespace(logs=logs), endpoint=None)


def test_an_error_of_the_thread_that_receives_events_says_where_it_arose() -> None:
    with pytest.raises(KeyError) as raised:
        next(iter(ContainerExits(broken_engine(), "shop", threading.Event())))
    assert raised.value.__notes__ == ["in the thread that receives the engine's events"]


def test_an_error_of_a_thread_that_follows_a_log_names_the_service() -> None:
    logs = Logs(broken_engine(), {"redis-0": "1"}, tail=0, since=None)
    with pytest.raises(KeyError) as raised:
        next(iter(logs.lines(follow=True)))
    assert raised.value.__notes__ == ["while following the log of redis-0"]
