"""The proof: each published way is asked with the application's own variables, and must be this instance's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.components.redis.component import create
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import View
from tests.unit.components.redis.world import World, world

COMPONENT = create({})


def values_of(redis: World, **changes: str) -> dict[str, str]:
    variables = {each.name: each.value for each in COMPONENT.variables(redis.access, View.HOST)}
    return {**variables, "NEXUSDEV_CA_FILE": str(redis.access.ca_file), **changes}


@pytest.fixture
def marked(redis: World) -> World:
    COMPONENT.seed(redis.access, {})
    return redis


def test_master_replica_and_every_sentinel_are_proven(marked: World) -> None:
    values = values_of(marked)
    paths = [proof.path for proof in COMPONENT.prove(marked.access, values)]
    assert paths == [
        "redis-master",
        "redis-replica",
        *(f"sentinel at {each}" for each in values["REDIS_SENTINELS"].split(",")),
    ]


def test_the_proof_follows_a_failover(marked: World) -> None:
    marked.become_master("redis-1")
    assert len(COMPONENT.prove(marked.access, values_of(marked))) == 5


def test_a_mark_of_another_instance_is_a_mismatch(marked: World) -> None:
    for server in marked.servers.values():
        server.mark = "0ther"
    with pytest.raises(IdentityMismatch, match="belongs to another instance"):
        COMPONENT.prove(marked.access, values_of(marked))


def test_a_store_without_a_mark_is_degraded_with_a_hint(redis: World) -> None:
    with pytest.raises(Degraded, match="does not contain this instance's nonce") as failure:
        COMPONENT.prove(redis.access, values_of(redis))
    assert failure.value.hint == "nexusdev seed redis"


def test_a_wrong_password_is_a_mismatch(marked: World) -> None:
    with pytest.raises(IdentityMismatch, match="rejected the application's login"):
        COMPONENT.prove(marked.access, values_of(marked, REDIS_PASSWORD="another"))


def test_a_server_of_another_ca_is_a_mismatch(marked: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with world(tmp_path / "other") as stranger:
        values = values_of(marked, NEXUSDEV_CA_FILE=str(stranger.access.ca_file))
        with pytest.raises(IdentityMismatch, match="is not this instance's"):
            COMPONENT.prove(marked.access, values)


def test_a_down_master_is_degraded(marked: World) -> None:
    marked.down.add("redis-0")
    with pytest.raises(Degraded, match="redis-master does not answer"):
        COMPONENT.prove(marked.access, values_of(marked))


def test_a_master_port_of_a_replica_is_degraded(marked: World) -> None:
    marked.servers["redis-0"].role = "slave"
    with pytest.raises(Degraded, match="routes to a slave, not to a master"):
        COMPONENT.prove(marked.access, values_of(marked))


def test_a_sentinel_that_knows_no_master_is_degraded(marked: World) -> None:
    with pytest.raises(Degraded, match="knows no master shop"):
        COMPONENT.prove(marked.access, values_of(marked, REDIS_MASTER_NAME="shop"))
