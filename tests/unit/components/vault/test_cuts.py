"""``kill -9`` of ``up`` between any two events, then ``up`` again: the same end, and nothing that was kept is thrown away."""

from __future__ import annotations

import pytest

from nexusdev.components.vault import names
from tests.unit.components.vault.world import World


def events_of_a_whole_up() -> list[str]:
    world = World()
    world.up()
    return world.events


def assert_whole(world: World) -> None:
    """Ready, seeded, and in order."""
    assert world.vault.assess(world.vault.probe(world.access)).ready
    assert world.cluster is not None
    assert world.cluster.kv["nexus/instance"] == {"nonce": "n0nce"}
    assert world.cluster.kv["nexus/postgres"]["password"] == "p1"
    assert world.cluster.kv["nexus-migrations/postgres"]["password"] == "o1"
    assert world.app_policies() == [names.APP]
    assert world.roots() == []
    assert world.pending == []
    assert world.secrets.read(names.SEAL_BACKUP) == world.sealed_by


def test_up_initializes_vault_and_leaves_no_root_token() -> None:
    world = World()
    changes = [change.what for change in world.up()]
    assert_whole(world)
    assert changes == [
        "set the stabilization time of new voters to 2 s",
        "enabled the audit log at /data/audit/audit.log",
        "enabled the audit log at /tmp/audit.log",
        "mounted kv at secret/",
        "mounted approle at approle/",
        "created policy nexus-app",
        "created policy nexus-migrations",
        "created policy nexus-operator",
        "mounted transit at transit/",
        "created transit key nexus-app",
        "created AppRole nexus-app",
        "set the role id of nexus-app",
        "set the secret id of nexus-app",
        "created AppRole nexus-migrations",
        "set the role id of nexus-migrations",
        "set the secret id of nexus-migrations",
        "created AppRole nexus-operator",
        "set the role id of nexus-operator",
        "set the secret id of nexus-operator",
        "wrote secret/nexus/postgres",
        "wrote secret/nexus-migrations/postgres",
        "wrote secret/nexus/instance",
        "issued a token to the application",
    ]


@pytest.mark.parametrize("number", range(1, len(events_of_a_whole_up()) + 1))
def test_an_interrupted_up_reaches_the_same_result(number: int) -> None:
    world = World(cut_after=number)
    assert world.killed_up()
    world.up()
    assert_whole(world)


@pytest.mark.parametrize("number", range(1, len(events_of_a_whole_up()) + 1))
def test_an_interrupted_up_followed_by_an_engine_restart_reaches_the_same_result(number: int) -> None:
    world = World(cut_after=number)
    assert world.killed_up()
    world.restart_all()
    world.up()
    assert_whole(world)


@pytest.mark.parametrize("distance", [1, 2, 5])
@pytest.mark.parametrize("number", range(1, len(events_of_a_whole_up()) + 1))
def test_two_interruptions_reach_the_same_result(number: int, distance: int) -> None:
    world = World(cut_after=number)
    assert world.killed_up()
    world.cut_after = number + distance
    world.killed_up()
    world.up()
    assert_whole(world)


def test_no_interruption_creates_a_new_cluster_once_the_recovery_key_is_stored() -> None:
    events = events_of_a_whole_up()
    kept = events.index("write vault-recovery-key") + 1
    for number in range(kept, len(events) + 1):
        world = World(cut_after=number)
        assert world.killed_up()
        world.up()
        assert world.births == 1, f"after a cut at {events[number - 1]}"
