"""Secrets and files reach servers through the runtime: one that keeps its own copies sees every write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import Change
from nexusdev.components.vault import names
from nexusdev.errors import InvalidConfig, NexusError
from nexusdev.instance.secrets import SecretFiles
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.secrets import rotate
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.runtime import DockerRuntime
from nexusdev.stack.model import Network, Secret, SecretRecipe, Stack
from tests.fakes import FakeComponent, House
from tests.unit.components.vault.world import CREDENTIALS, UNSEALER, World


class CopyingRuntime:
    """A runtime whose servers read an object of its own, as in a cluster: a file that nobody publishes does not reach them."""

    def __init__(self) -> None:
        self.object: dict[str, str] = {}

    def publish_secret(self, name: str, value: str) -> None:
        self.object[name] = value


def store_of(folder: Path, recipes: dict[str, SecretRecipe], runtime: CopyingRuntime) -> SecretFiles:
    secrets = {name: Secret(name=name, file=folder / name, recipe=recipe) for name, recipe in recipes.items()}
    return SecretFiles(secrets, uid=os.getuid(), gid=os.getgid(), publish=runtime.publish_secret)


VAULT = {
    **{
        f"vault-{who}-{kind}-id": SecretRecipe(password=36)
        for who in ("app", "migrations", "operator")
        for kind in ("role", "secret")
    },
    names.SEAL_TOKEN: SecretRecipe(password=32),
    **dict.fromkeys(
        (names.UNSEAL_KEY, names.SEAL_BACKUP, names.RECOVERY_KEY, names.PENDING, names.APP_TOKEN),
        SecretRecipe(runtime=True),
    ),
}


@dataclass
class Vault:
    """Four Vault servers whose secrets are in files, and a runtime that copies them."""

    world: World
    runtime: CopyingRuntime
    store: SecretFiles

    def all(self) -> dict[str, str]:
        return {name: self.store.read(name) for name in VAULT}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    runtime, world = CopyingRuntime(), World()
    store = store_of(tmp_path, VAULT, runtime)
    store.prepare()
    world.secrets = cast(Any, store)
    world.access = replace(world.access, secrets=store)
    return Vault(world, runtime, store)


def test_secrets_of_a_new_instance_are_published(vault: Vault) -> None:
    assert vault.runtime.object == vault.all()


def test_vault_unseal_keys_are_published(vault: Vault) -> None:
    assert vault.runtime.object[names.UNSEAL_KEY] == ""
    vault.world.up()
    assert vault.runtime.object[names.UNSEAL_KEY]
    assert vault.runtime.object == vault.all()


def test_a_recreated_seal_is_published(vault: Vault) -> None:
    vault.world.up()
    before = vault.runtime.object[names.UNSEAL_KEY]
    vault.world.lose_volume(UNSEALER)
    vault.world.up()
    assert vault.runtime.object[names.UNSEAL_KEY] != before
    assert vault.runtime.object == vault.all()


def test_a_rotated_secret_is_published(vault: Vault) -> None:
    vault.world.up()
    before = vault.runtime.object["vault-app-secret-id"]
    vault.world.vault.rotate(vault.world.access)
    assert vault.runtime.object["vault-app-secret-id"] != before
    assert vault.runtime.object == vault.all()


def test_a_token_created_by_seeding_is_published(vault: Vault) -> None:
    vault.world.up()
    vault.store.write(names.APP_TOKEN, "")
    vault.world.vault.seed(vault.world.access, CREDENTIALS)
    assert vault.runtime.object[names.APP_TOKEN] == vault.store.read(names.APP_TOKEN) != ""


def test_derived_secrets_are_published_with_their_source(tmp_path: Path) -> None:
    runtime = CopyingRuntime()
    store = store_of(tmp_path, {"app": SecretRecipe(password=8), "users": SecretRecipe(text="u:{{app}}")}, runtime)
    store.prepare()
    store.write("app", "new")
    assert runtime.object == {"app": "new", "users": "u:new"}


def test_an_interrupted_write_is_published_when_completed(tmp_path: Path) -> None:
    runtime = CopyingRuntime()
    store = store_of(tmp_path, {"app": SecretRecipe(password=8)}, runtime)
    store.prepare()
    (tmp_path / "app.next").write_text("late")
    store.prepare()
    assert runtime.object == {"app": "late"}


def test_a_store_without_a_runtime_refuses_to_write(house: House) -> None:
    up(house.context())
    context = house.context()
    instance = context.instance()
    with pytest.raises(NexusError, match="without a runtime"):
        instance.secrets(context.stack(instance)).write("redis-app", "x")


class Redis(FakeComponent):
    """Writes its password when it is seeded and when it is rotated."""

    def seed(self, access: InstanceAccess, credentials: object) -> Sequence[Change]:
        access.secrets.write("redis-app", f"seeded {len(self.calls)}")
        return super().seed(access, {})

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        access.secrets.write("redis-app", "rotated")
        return [Change(what="new password")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path, redis=Redis(name="redis"))


def published(house: House, name: str) -> str:
    return house.engine.published[house.name, name].decode()


def test_up_seed_and_rotate_publish_what_they_write(house: House) -> None:
    seen = []
    for command in (up, seed, rotate):
        command(house.context())
        seen.append(published(house, "redis-app"))
    assert [each.split()[0] for each in seen] == ["seeded", "seeded", "rotated"]
    assert len(set(seen)) == 3


def test_up_and_rotate_publish_the_metrics(house: House) -> None:
    up(house.context())
    file = house.context().instance().folder / "metrics.prom"
    assert "nexusdev_up_seconds" in published(house, "metrics.prom")
    os.utime(house.context().instance().folder / "secrets" / "redis-app", (0, 0))
    rotate(house.context())
    assert published(house, "metrics.prom") == file.read_text()


def docker_runtime(folder: Path) -> DockerRuntime:
    secret = Secret(name="app", file=folder / "app", recipe=SecretRecipe(password=8))
    network = Network(name="nexus", subnet="10.0.0.0/24")
    stack = Stack(project="p", network=network, services={}, secrets={"app": secret})
    return DockerRuntime("p", instance="shop", owner_path="/p", state_path=str(folder), stack=stack)


def test_docker_writes_in_place_because_the_file_is_mounted(tmp_path: Path) -> None:
    for name in ("app", "metrics.prom"):
        (tmp_path / name).write_text("before")
    inodes = [(tmp_path / name).stat().st_ino for name in ("app", "metrics.prom")]
    runtime = docker_runtime(tmp_path)
    runtime.publish_secret("app", "after")
    runtime.publish_file("metrics.prom", b"after")
    assert [(tmp_path / name).read_text() for name in ("app", "metrics.prom")] == ["after", "after"]
    assert [(tmp_path / name).stat().st_ino for name in ("app", "metrics.prom")] == inodes


def test_docker_leaves_an_unchanged_file_alone(tmp_path: Path) -> None:
    (tmp_path / "app").write_text("value")
    os.utime(tmp_path / "app", (5, 5))
    docker_runtime(tmp_path).publish_secret("app", "value")
    assert (tmp_path / "app").stat().st_mtime == 5


def test_docker_refuses_an_unknown_secret(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="no such secret: other"):
        docker_runtime(tmp_path).publish_secret("other", "x")
