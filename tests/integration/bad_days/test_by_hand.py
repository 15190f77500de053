"""What others do to our containers, volumes and networks behind our back: `status` tells, `up` repairs, neighbours are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def remove(container: Any) -> None:
    container.remove(force=True)


def stop(container: Any) -> None:
    container.stop(timeout=5)


def kill(container: Any) -> None:
    container.kill()


def pause(container: Any) -> None:
    container.pause()


def rename(container: Any) -> None:
    container.rename(f"{container.name}-by-hand")


def detach(container: Any) -> None:
    for name in container.attrs["NetworkSettings"]["Networks"]:
        engine.client().networks.get(name).disconnect(container, force=True)


@pytest.mark.parametrize("harm", [remove, stop, kill, pause, rename, detach], ids=lambda harm: harm.__name__)
def test_up_repairs_manual_changes_to_a_container(running: Project, harm: Callable[[Any], None]) -> None:
    victim = engine.container(running, "redis-1")
    before = engine.started_at(engine.instance_of(running))
    harm(victim)
    told = running.run("status", "--check")
    assert told.code == (0 if harm is rename else 4), told.out
    running.up(SMALL)
    assert ready(running)
    after = engine.started_at(engine.instance_of(running))
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} <= {victim.name}, "neighbours were touched"


def test_up_after_docker_compose_down_keeps_the_data(running: Project) -> None:
    """``docker compose down`` goes by Compose's own labels: containers first, then the network; volumes stay."""
    assert running.run("redis", "--", "SET", "kept", "yes").out.strip() == "OK"
    project = f"nexusdev-{engine.instance_of(running)}"
    api, label = engine.client(), {"label": f"com.docker.compose.project={project}"}
    containers, networks = api.containers.list(all=True, filters=label), api.networks.list(filters=label)
    assert containers
    assert networks
    for container in containers:
        container.stop(timeout=5)
        container.remove()
    for network in networks:
        network.remove()
    told = running.run("status")
    assert told.code == 0, told.err
    running.up(SMALL)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"
