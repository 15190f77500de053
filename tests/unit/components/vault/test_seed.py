"""Seeding on later days: what was changed by hand is set right, what expired is issued again, what was rotated is worth nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import Consumer
from nexusdev.components.vault import names
from nexusdev.components.vault.desired_state import own_folders, policy_text
from nexusdev.components.vault.root_token import decode, encode
from nexusdev.errors import InvalidState, SeedingFailed
from nexusdev.interfaces import Address, View
from tests.unit.components.vault.core import Core
from tests.unit.components.vault.world import NODES, Cut, World


@pytest.fixture
def world() -> World:
    made = World()
    made.up()
    return made


@pytest.fixture
def core(world: World) -> Core:
    assert world.cluster is not None
    return world.cluster


def changes_of(world: World) -> list[str]:
    return [change.what for change in world.up()]


def test_a_manually_changed_policy_is_restored_by_the_operator(world: World, core: Core) -> None:
    core.policies[names.APP] = 'path "*" { capabilities = ["sudo"] }'
    assert changes_of(world) == ["changed policy nexus-app"]
    assert core.policies[names.APP] == policy_text(names.APP)


def test_the_application_has_a_folder_named_after_the_project() -> None:
    text = policy_text(names.APP, "My Shop")
    for folder in ("app", "my-shop"):
        assert f'path "secret/data/{folder}/*" {{' in text
        assert f'path "secret/metadata/{folder}" {{' in text
    assert "FOLDER/" not in text


@pytest.mark.parametrize("project", ["", "app", "nexus", "Nexus Migrations", "..."])
def test_a_taken_project_name_opens_no_other_folder(project: str) -> None:
    assert own_folders(project) == ("app",)
    assert policy_text(names.APP, project) == policy_text(names.APP)
    assert "secret/data/nexus-migrations" not in policy_text(names.APP, project)


def test_an_expired_token_is_reissued(world: World, core: Core) -> None:
    core.tokens.clear()
    assert changes_of(world) == ["issued a new token to the application"]
    assert world.app_policies() == [names.APP]


def test_refresh_renews_a_valid_token_and_reissues_an_invalid_one(world: World, core: Core) -> None:
    token = world.secrets.read(names.APP_TOKEN)
    renewed = core.tokens[token]["renewed"]
    assert world.vault.refresh(world.access) == []
    assert core.tokens[token]["renewed"] == renewed + 1
    core.tokens.clear()
    assert [change.what for change in world.vault.refresh(world.access)] == ["issued a new token to the application"]


def test_a_lost_operator_is_recreated_with_the_recovery_key(world: World, core: Core) -> None:
    del core.roles[names.OPERATOR]
    assert changes_of(world) == [
        "created AppRole nexus-operator",
        "set the role id of nexus-operator",
        "set the secret id of nexus-operator",
    ]
    assert world.roots() == []


def test_losing_operator_and_recovery_key_names_the_way_out(world: World, core: Core) -> None:
    del core.roles[names.OPERATOR]
    world.secrets.values[names.RECOVERY_KEY] = ""
    with pytest.raises(InvalidState) as caught:
        world.vault.seed(world.access, {})
    assert caught.value.code == "VAULT_KEY_LOST"


def test_a_vault_lost_during_seeding_raises_seeding_failed(world: World) -> None:
    world.down = set(NODES)
    with pytest.raises(SeedingFailed, match="vault-active stopped answering"):
        world.vault.seed(world.access, {})


def test_rotated_credentials_of_other_components_are_stored(world: World, core: Core) -> None:
    changes = world.vault.update_credentials(world.access, {"postgres": {Consumer.APPLICATION: {"password": "p2"}}})
    assert [change.what for change in changes] == [
        "wrote secret/nexus/postgres",
        "destroyed 1 former version of secret/nexus/postgres",
    ]
    assert core.versions["nexus/postgres"] == [None, {"password": "p2"}]


def test_owner_passwords_readable_by_the_application_are_destroyed_in_all_versions(world: World, core: Core) -> None:
    kept = core.kv["nexus/postgres"]
    core.versions["nexus/postgres"] = [{"owner_password": "old"}, {"owner_password": "o1", **kept}]
    assert changes_of(world) == [
        "wrote secret/nexus/postgres",
        "destroyed 2 former versions of secret/nexus/postgres",
    ]
    assert core.versions["nexus/postgres"] == [None, None, kept]
    assert changes_of(world) == []


def test_versions_left_by_an_interruption_are_destroyed_by_the_next_seeding(world: World, core: Core) -> None:
    core.versions["nexus/postgres"].insert(0, {"owner_password": "o1"})
    assert changes_of(world) == ["destroyed 1 former version of secret/nexus/postgres"]


def test_rotation_leaves_one_secret_id_and_one_token(world: World, core: Core) -> None:
    old_token, old_secret = world.secrets.read(names.APP_TOKEN), world.secrets.read("vault-app-secret-id")
    core.roles[names.APP]["secret_ids"]["left by a cut"] = "accessor"
    world.vault.rotate(world.access)
    assert list(core.roles[names.APP]["secret_ids"]) == [world.secrets.read("vault-app-secret-id")]
    assert world.secrets.read("vault-app-secret-id") != old_secret
    assert old_token not in core.tokens
    assert world.app_policies() == [names.APP]
    assert world.up() == []


@pytest.mark.parametrize("number", range(1, 12))
def test_an_interrupted_rotation_is_completed_by_the_next_up(world: World, number: int) -> None:
    world.cut_after = len(world.events) + number
    try:
        world.vault.rotate(world.access)
    except Cut:
        world.up()
    assert world.app_policies() == [names.APP]
    assert world.vault.refresh(world.access) == []
    assert world.up() == []


def test_variables_need_no_network_and_use_the_role_name_in_containers() -> None:
    world = World()
    access = replace(world.access, addresses={(names.ROLE, 8200): Address(host="127.0.0.1", port=21080)})
    inside = {each.name: each.value for each in world.vault.variables(access, View.CONTAINER)}
    outside = {each.name: each.value for each in world.vault.variables(access, View.HOST)}
    assert list(outside) == ["VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_ROLE_ID", "VAULT_SECRET_ID"]
    assert outside["VAULT_ADDR"] == "https://127.0.0.1:21080"
    assert inside["VAULT_ADDR"] == "https://vault-active:8200"
    assert world.events == []


def test_the_client_runs_in_a_node_without_secrets_in_its_arguments(world: World) -> None:
    client = world.vault.client(["kv", "list", "secret"])
    assert client is not None
    assert client.group == "vault"
    assert client.argv == ("sh", "/etc/vault/client.sh", "kv", "list", "secret")


def test_a_root_token_is_decoded_with_its_one_time_password() -> None:
    assert decode(encode("hvs.abcdefghij", "0123456789abcd"), "0123456789abcd") == "hvs.abcdefghij"
