"""Why a container does not run, in words."""

from __future__ import annotations

import pytest

from nexusdev.runtimes.docker.plan.decision import ended
from nexusdev.runtimes.docker.plan.snapshot import Container, State


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "it is stopped"),
        (143, "it is stopped"),
        (137, "it exited with code 137"),
        (1, "it exited with code 1"),
    ],
)
def test_an_exit_by_the_stop_signal_is_a_stop(code: int, words: str) -> None:
    container = Container(
        id="1",
        name="etcd-0",
        service="etcd-0",
        component="postgres",
        fingerprint="f",
        owner_path="/p",
        state=State.EXITED,
        exit_code=code,
    )
    assert ended(container) == words
