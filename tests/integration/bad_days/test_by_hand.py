"""What others do to our containers, volumes and networks behind our back: `status` tells, `up` repairs, neighbours are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration import compose_cli, engine
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


def test_up_takes_over_after_docker_compose_down_and_up(gone_at_the_end: Project) -> None:
    """Compose itself takes everything down, starts the same files, and takes them down again.

    It creates all volumes of the files, so the instance is not one that other tests compare with.
    """
    running = gone_at_the_end
    running.up(SMALL)
    assert running.run("redis", "--", "SET", "kept", "yes").out.strip() == "OK"
    instance, compose = engine.instance_of(running), compose_cli.command_for(running.state, base=engine.base_image())
    services = engine.services_of(instance)
    assert services
    compose_cli.run([*compose, "down"])
    assert (engine.left_of(instance)["containers"], engine.left_of(instance)["networks"]) == ([], [])
    told = running.run("status")
    assert told.code == 0, told.err
    compose_cli.run([*compose, "up", "--detach", *services])
    assert engine.services_of_compose(instance) == services
    compose_cli.run([*compose, "down"])
    running.up(SMALL)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"
