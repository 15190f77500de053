"""Volumes removed behind nexusdev's back, and containers of others that hold on to what shall go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def lose(project: Project, *services: str) -> list[str]:
    """Remove the containers and the volumes of services, as a prune of a stopped stack does; the volumes' names."""
    names = []
    for service in services:
        container = engine.container(project, service)
        names += [mount["Name"] for mount in container.attrs["Mounts"] if mount.get("Name")]
        container.remove(force=True)
    for name in names:
        engine.client().volumes.get(name).remove(force=True)
    return names


def test_a_lost_volume_is_reported_first_and_rebuilt_by_its_peers(running: Project) -> None:
    assert running.run("redis", "--", "SET", "kept", "yes").out.strip() == "OK"
    instance, master = engine.instance_of(running), engine.node_with_role(running, "master")
    (name,) = lose(running, master)
    before = engine.left_of(instance)
    ran = running.run("up", SMALL, "--json")
    assert ran.code == 12, ran.out
    error = json.loads(ran.out)["error"]
    assert error["code"] == "VOLUME_LOST"
    assert [(each["full_name"], each["rebuildable"]) for each in error["volumes"]] == [(name, True)]
    assert engine.left_of(instance) == before
    running.up(SMALL, "--recreate-volumes")
    assert ready(running)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"


@pytest.mark.parametrize(
    ("component", "lost"),
    [
        pytest.param("postgres", ["postgresql-0", "postgresql-1", "postgresql-2"], id="postgres without etcd"),
        pytest.param("vault", ["vault-0", "vault-1"], id="two nodes of vault", marks=pytest.mark.long),
        pytest.param(
            "vault", ["vault-0", "vault-1", "vault-2", "vault-unseal"], id="all of vault", marks=pytest.mark.long
        ),
    ],
)
def test_unrecoverable_data_starts_empty_after_confirmation(
    gone_at_the_end: Project, component: str, lost: Sequence[str]
) -> None:
    gone_at_the_end.up(component)
    lose(gone_at_the_end, *lost)
    ran = gone_at_the_end.run("up", component)
    assert ran.code == 12, ran.err
    assert "starts empty" in " ".join(ran.err.split())  # wrapped at the width of the screen
    assert gone_at_the_end.run("up", component, "--recreate-volumes").code == 13
    gone_at_the_end.up(component, "--recreate-volumes", "--yes")
    assert ready(gone_at_the_end)


@pytest.fixture
def stranger(running: Project) -> Iterator[Any]:
    """Somebody else's container on the instance's network."""
    made = engine.client().containers.run(
        engine.base_image(),
        entrypoint=["sleep", "600"],
        network=f"nexusdev-{engine.instance_of(running)}_nexus",
        detach=True,
    )
    yield made
    made.remove(force=True)


def test_a_foreign_container_on_the_network_is_named_first(running: Project, stranger: Any) -> None:
    instance = engine.instance_of(running)
    before = engine.started_at(instance)
    ran = running.run("down")
    assert ran.code == 8, ran.err
    disconnect = f"docker network disconnect nexusdev-{instance}_nexus {stranger.name}"
    assert disconnect in ran.err
    assert engine.started_at(instance) == before
    engine.client().networks.get(f"nexusdev-{instance}_nexus").disconnect(stranger)
    assert running.run("down").code == 0
    assert engine.left_of(instance)["networks"] == []
