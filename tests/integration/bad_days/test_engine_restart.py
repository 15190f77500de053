"""The engine is restarted: data survive, and `start` (or `up`) heals. On a private engine; the machine's own is never touched."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.bad_days.private_engine import PrivateEngine, private_engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateEngine]:
    with private_engine() as made:
        yield made


@pytest.fixture(scope="module")
def away(private: PrivateEngine, make_project: Callable[..., Project], shared: Project) -> Iterator[Project]:
    """A small instance on the private engine, ready. Its images are those of the small instance on the machine's engine."""
    shared.up(SMALL)
    label = {"label": f"dev.nexus.instance={engine.instance_of(shared)}"}
    used = {container.image.tags[0] for container in engine.client().containers.list(filters=label)}
    private.take(sorted(used))
    made = make_project("away")
    project = replace(made, extra={"DOCKER_HOST": private.url}, before=private.inside)
    project.up(SMALL, "--offline")
    yield project
    assert project.run("destroy", "--yes").code == 0


@pytest.mark.parametrize(
    ("ended_by", "command"),
    [(signal.SIGTERM, ("start",)), (signal.SIGKILL, ("up", SMALL, "--offline"))],
    ids=["stopped, then start", "killed, then up"],
)
def test_an_engine_that_is_restarted_loses_no_data_and_is_healed(
    private: PrivateEngine, away: Project, ended_by: signal.Signals, command: tuple[str, ...]
) -> None:
    assert away.run("redis", "--", "SET", "kept", ended_by.name).out.strip() == "OK"
    private.stop(ended_by)
    lost = away.run("status")
    assert lost.code == 5, lost.out
    assert "no Docker engine answers" in lost.err
    private.start()
    healed = away.run(*command)
    assert healed.code == 0, healed.err
    assert ready(away)
    assert away.run("redis", "--", "GET", "kept").out.strip() == ended_by.name
    assert away.run("run", "--", "true").code == 0, "its variables are proven"
