"""What initialization does on the days after the first one: restarts, lost volumes, lost keys, passing refusals."""

from __future__ import annotations

import pytest

from nexusdev.components.vault import names
from nexusdev.components.vault.pending import PendingOperations
from nexusdev.errors import InvalidState
from tests.unit.components.vault.world import NODES, UNSEALER, World


@pytest.fixture
def world() -> World:
    made = World()
    made.up()
    made.events.clear()
    return made


def test_a_second_up_only_renews_the_application_s_token(world: World) -> None:
    assert world.up() == []
    writes = [event for event in world.events if "approle/login" not in event and "lookup" not in event]
    assert writes == [
        "POST auth/token/revoke-self at vault-active",
        "POST auth/token/renew-self at vault-active",
    ]


def test_vault_unseals_itself_after_an_engine_restart(world: World) -> None:
    world.restart_all()
    assert world.vault.assess(world.vault.probe(world.access)).ready


def test_a_sealed_transit_node_is_unsealed(world: World) -> None:
    world.unseal_open = False
    world.up()
    assert "PUT sys/unseal at vault-unseal" in world.events


def test_a_lost_volume_of_the_transit_node_is_restored_with_the_same_key(world: World) -> None:
    cluster = world.cluster
    world.lose_volume(UNSEALER)
    world.up()
    assert world.cluster is cluster
    assert world.unseal is not None
    assert world.unseal.transit[names.SEAL_KEY] == world.sealed_by
    assert world.roots() == []
    world.restart_all()
    assert world.vault.assess(world.vault.probe(world.access)).ready


def test_a_lost_key_share_of_the_transit_node_is_restored_with_the_same_transit_key(world: World) -> None:
    world.secrets.values[names.UNSEAL_KEY] = ""
    world.restart_all()
    world.up()
    assert f"reset {UNSEALER}" in world.events
    assert world.births == 1
    world.restart_all()
    assert world.vault.assess(world.vault.probe(world.access)).ready


def test_one_lost_node_rejoins_without_initialization(world: World) -> None:
    world.lose_volume("vault-1")
    world.up()
    assert world.births == 1


def test_three_lost_nodes_become_a_new_cluster_with_new_logins(world: World) -> None:
    for node in NODES:
        world.lose_volume(node)
    world.up()
    assert world.births == 2
    assert world.app_policies() == [names.APP]
    assert world.roots() == []


def test_vault_is_not_initialized_while_a_node_is_unreachable() -> None:
    world = World(down={"vault-2"})
    with pytest.raises(AssertionError, match="vault-2 does not answer yet"):
        world.up()
    assert world.births == 0


def test_a_lost_recovery_key_is_harmless_while_the_operator_can_log_in(world: World) -> None:
    world.secrets.values[names.RECOVERY_KEY] = ""
    assert world.up() == []


def test_nodes_without_a_recovery_key_are_never_discarded(world: World) -> None:
    world.secrets.values[names.RECOVERY_KEY] = ""
    world.down = {"vault-2"}
    with pytest.raises(InvalidState) as caught:
        world.up()
    assert caught.value.message == "Vault has data, but its key is missing from the state folder"
    assert "touch /data/reset; done; nexusdev stop vault; nexusdev start vault; nexusdev seed" in caught.value.hint
    assert world.births == 1


def test_a_transit_node_without_key_and_backup_is_never_discarded(world: World) -> None:
    world.secrets.values[names.UNSEAL_KEY] = world.secrets.values[names.SEAL_BACKUP] = ""
    world.restart_all()
    with pytest.raises(InvalidState, match="vault-unseal has data"):
        world.up()


def test_a_root_token_left_in_the_transit_node_is_revoked_by_the_next_up(world: World) -> None:
    assert world.unseal is not None
    world.unseal.issue(["root"])
    PendingOperations(secrets=world.secrets).add("root-token-of-vault-unseal")
    world.vault.prepare(world.access, world.vault.probe(world.access))
    assert world.roots() == []
    assert world.pending == []


def test_a_server_lost_midway_is_retried_later() -> None:
    world = World()
    facts = world.vault.probe(world.access)
    world.down = {UNSEALER}
    world.vault.prepare(world.access, facts)
    world.down = set()
    world.up()
    assert world.births == 1
