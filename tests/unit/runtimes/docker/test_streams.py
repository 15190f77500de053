"""Whether a container was asked to end, by what the engine did to it before."""

from __future__ import annotations

from typing import Any

import pytest

from nexusdev.runtimes.docker.streams import _is_asked


def event(action: str, signal: str = "") -> dict[str, Any]:
    return {"Action": action, "Actor": {"Attributes": {"signal": signal} if signal else {}}}


@pytest.mark.parametrize("signal", ["15", "2", "3"])
def test_a_signal_that_servers_take_for_the_end_asks(signal: str) -> None:
    assert _is_asked([event("kill", signal)])


@pytest.mark.parametrize("signal", ["9", "1", "11", "19", "SIGTERM+1", ""])
def test_any_other_signal_alone_does_not(signal: str) -> None:
    assert not _is_asked([event("kill", signal)])


@pytest.mark.parametrize("action", ["stop", "destroy"])
def test_a_stop_or_a_removal_asks_whatever_the_signal(action: str) -> None:
    assert _is_asked([event("kill", "9"), event(action)])


def test_who_ends_without_anything_before_was_not_asked() -> None:
    assert not _is_asked([])
