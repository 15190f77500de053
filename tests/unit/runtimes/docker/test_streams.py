"""Whether a container was asked to end, by what the engine did to it before."""

from __future__ import annotations

from typing import Any

import pytest

from nexusdev.runtimes.docker.streams import _is_asked


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
