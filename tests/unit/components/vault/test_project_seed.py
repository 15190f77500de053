"""The project's own seed files: secrets once per hash, policies that reach the application, and refusals in plain words."""

from __future__ import annotations

import hashlib

import pytest

from nexusdev.components.contract import SeedFile
from nexusdev.components.vault import names
from nexusdev.components.vault.project_seed import MARK
from nexusdev.errors import SeedingFailed
from tests.unit.components.vault.core import Core
from tests.unit.components.vault.world import World


def seed_file(path: str, content: str) -> SeedFile:
    return SeedFile(path=path, content=content.encode(), sha256=hashlib.sha256(content.encode()).hexdigest())


@pytest.fixture
def world() -> World:
    made = World()
    made.up()
    return made


@pytest.fixture
def core(world: World) -> Core:
    assert world.cluster is not None
    return world.cluster


def test_yaml_and_json_files_are_written_as_secrets(world: World, core: Core) -> None:
    files = [seed_file("vault/app/mail.yaml", "host: mx\nport: 25\n"), seed_file("vault/app/a/b.json", '{"k": "v"}')]
    changes = [change.what for change in world.vault.apply(world.access, files)]
    assert changes == ["wrote secret/app/mail from vault/app/mail.yaml", "wrote secret/app/a/b from vault/app/a/b.json"]
    assert core.kv["app/mail"] == {"host": "mx", "port": 25}
    assert core.marks["app/mail"] == {MARK: files[0].sha256}


def test_changes_of_the_application_stay_until_the_file_changes(world: World, core: Core) -> None:
    world.vault.apply(world.access, [seed_file("vault/app/x.yaml", "a: 1")])
    core.versions["app/x"].append({"a": 2})
    assert world.vault.apply(world.access, [seed_file("vault/app/x.yaml", "a: 1")]) == []
    assert core.kv["app/x"] == {"a": 2}
    world.vault.apply(world.access, [seed_file("vault/app/x.yaml", "a: 3")])
    assert core.kv["app/x"] == {"a": 3}


def test_a_project_policy_is_attached_with_a_new_token_and_kept_by_seeding(world: World) -> None:
    policy = seed_file("vault/policies/team.hcl", 'path "secret/data/team/*" { capabilities = ["read"] }')
    assert [change.what for change in world.vault.apply(world.access, [policy])] == [
        "created policy team",
        "attached policies team to nexus-app",
    ]
    assert world.app_policies() == [names.APP, "team"]
    assert world.vault.apply(world.access, [policy]) == []
    assert world.up() == []
    assert world.app_policies() == [names.APP, "team"]


def test_a_token_left_without_the_policy_by_an_interruption_is_reissued(world: World, core: Core) -> None:
    policy = seed_file("vault/policies/team.hcl", "path {}")
    world.vault.apply(world.access, [policy])
    core.tokens[world.secrets.read(names.APP_TOKEN)]["policies"] = [names.APP]
    world.vault.apply(world.access, [policy])
    assert world.app_policies() == [names.APP, "team"]


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("vault/app/x.yaml", "a: [", "while parsing a flow node"),
        ("vault/app/x.json", "{", "Expecting property name"),
        ("vault/app/x.yaml", "- a\n", "it must be a mapping of names to values"),
        ("vault/app/x.toml", "a = 1", "the file must end in one of .yaml, .yml, .json"),
        ("vault/nexus/postgres.yaml", "a: 1", "secret/nexus/ is reserved for nexusdev"),
        ("vault/nexus-migrations/x.yaml", "a: 1", "secret/nexus-migrations/ is reserved for nexusdev"),
        ("vault/policies/nexus-app.hcl", "", "NAME must not be nexus-…"),
        ("vault/x.hcl", "", "policies must be seed/vault/policies/NAME.hcl"),
    ],
)
def test_an_inapplicable_file_is_named_and_nothing_is_written(world: World, path: str, content: str, why: str) -> None:
    world.events.clear()
    with pytest.raises(SeedingFailed) as caught:
        world.vault.apply(world.access, [seed_file("vault/app/good.yaml", "a: 1"), seed_file(path, content)])
    assert caught.value.message == f"failed to apply {path} to Vault"
    assert why in caught.value.why
    assert world.events == []
