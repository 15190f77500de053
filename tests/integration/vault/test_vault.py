"""Vault as it really runs: who may do what, that no root token is left, that it is audited, and that it unseals itself whatever was lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import hvac
import pytest

from nexusdev.util.slug import slug
from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project
from tests.selection import examples

pytestmark = pytest.mark.integration
NODES = ("vault-0", "vault-1", "vault-2")
ALL = (*NODES, "vault-unseal")


@pytest.fixture
def values(project: Project) -> Mapping[str, str]:
    """The variables as they are now: another test may have rotated them."""
    found: dict[str, str] = json.loads(project.run("env", "--format", "json").out)
    return found


@pytest.fixture
def vault(values: Mapping[str, str]) -> Any:
    """hvac as an application uses it."""
    return app.vault_client(values)


def operator(project: Project, *arguments: str) -> Any:
    """What the operator reads, as JSON."""
    ran = project.run("vault", "--", "--operator", *arguments)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def policies_of(client: hvac.Client, accessor: str) -> list[str]:
    """Of a valid token. Vault lists one that has expired until it has cleaned up after it, and denies to tell of it."""
    try:
        policies: list[str] = client.auth.token.lookup_accessor(accessor)["data"]["policies"]
    except hvac.exceptions.Forbidden:
        return []
    return policies


def test_no_root_token_remains(project: Project, values: Mapping[str, str]) -> None:
    token = token_of(project, values, "operator")
    client = hvac.Client(url=values["VAULT_ADDR"], token=token, verify=values["VAULT_CACERT"])
    accessors = client.list("auth/token/accessors")["data"]["keys"]
    policies = {policy for each in accessors for policy in policies_of(client, each)}
    assert {"nexus-app", "nexus-operator"} <= policies
    assert "root" not in policies


def test_the_application_reads_platform_credentials_and_writes_its_own_secrets(vault: Any) -> None:
    kv = vault.secrets.kv.v2
    assert (
        kv.read_secret_version(path="nexus/vault", raise_on_deleted_version=True)["data"]["data"]["role"] == "nexus-app"
    )
    kv.create_or_update_secret(path="app/orders/key", secret={"value": "1"})
    kv.patch(path="app/orders/key", secret={"other": "2"})
    read = kv.read_secret_version(path="app/orders/key", raise_on_deleted_version=True)["data"]["data"]
    assert read == {"value": "1", "other": "2"}
    kv.delete_metadata_and_all_versions(path="app/orders/key")


def test_the_application_cannot_change_platform_secrets(vault: Any) -> None:
    forbidden = [
        lambda: vault.secrets.kv.v2.create_or_update_secret(path="nexus/postgres", secret={"password": "x"}),
        lambda: vault.secrets.kv.v2.create_or_update_secret(path="elsewhere", secret={"a": "b"}),
        lambda: vault.sys.create_or_update_policy(name="mine", policy='path "*" { capabilities = ["sudo"] }'),
        vault.sys.list_auth_methods,
        vault.sys.seal,
    ]
    for act in forbidden:
        with pytest.raises(hvac.exceptions.Forbidden):
            act()


def token_of(project: Project, values: Mapping[str, str], role: str) -> str:
    """A token of an AppRole, by the login that the instance keeps for it."""
    kept = {kind: project.run("secrets", "show", f"vault-{role}-{kind}-id").out.strip() for kind in ("role", "secret")}
    client = hvac.Client(url=values["VAULT_ADDR"], verify=values["VAULT_CACERT"])
    answer = client.auth.approle.login(role_id=kept["role"], secret_id=kept["secret"])
    return str(answer["auth"]["client_token"])


READERS = {
    "nexus/postgres": {"app", "operator"},
    "nexus/redis": {"app", "operator"},
    "nexus/instance": {"app", "operator"},
    "nexus-migrations/postgres": {"migrations", "operator"},
}


@pytest.mark.parametrize("path", READERS)
@pytest.mark.parametrize("role", ["app", "migrations", "operator"])
def test_each_consumer_reads_only_its_own_credentials(
    project: Project, values: Mapping[str, str], role: str, path: str
) -> None:
    client = hvac.Client(url=values["VAULT_ADDR"], token=token_of(project, values, role), verify=values["VAULT_CACERT"])
    read = client.secrets.kv.v2
    if role in READERS[path]:
        assert read.read_secret_version(path=path, raise_on_deleted_version=True)["data"]["data"]
        assert read.read_secret_metadata(path=path)["data"]["current_version"]
        return
    refused: tuple[Callable[[], object], ...] = (
        lambda: read.read_secret_version(path=path, raise_on_deleted_version=True),
        lambda: read.read_secret_version(path=path, version=1, raise_on_deleted_version=True),
        lambda: read.read_secret_metadata(path=path),
        lambda: read.list_secrets(path=path.partition("/")[0]),
    )
    for ask in refused:
        with pytest.raises(hvac.exceptions.Forbidden):
            ask()


def test_the_application_cannot_read_the_owner_password(
    project: Project, values: Mapping[str, str], vault: Any
) -> None:
    owner = values["DATABASE_MIGRATION_URL"].partition("://")[2].rpartition("@")[0].partition(":")[2]
    kept = operator(project, "kv", "get", "-format=json", "secret/nexus-migrations/postgres")["data"]["data"]
    assert (kept["username"], kept["password"]) == ("nexus_owner", owner)
    for selection in vault.secrets.kv.v2.list_secrets(path="nexus")["data"]["keys"]:
        assert owner not in json.dumps(
            vault.secrets.kv.v2.read_secret_version(path=f"nexus/{selection}", raise_on_deleted_version=True)
        )


def test_old_versions_with_the_owner_password_are_destroyed(project: Project, vault: Any) -> None:
    """As an older release left it: in the newest version, in one before, and in one that was only deleted."""
    for value in ("one", "two", "three"):
        operator(project, "kv", "patch", "-format=json", "secret/nexus/postgres", f"owner_password={value}")
    ran = project.run("vault", "--", "--operator", "kv", "delete", "-versions=2", "secret/nexus/postgres")
    assert ran.code == 0, ran.err
    assert project.run("seed", "vault").code == 0
    metadata = vault.secrets.kv.v2.read_secret_metadata(path="nexus/postgres")["data"]
    newest = metadata["current_version"]
    assert newest > 1
    assert all(each["destroyed"] for number, each in metadata["versions"].items() if int(number) < newest)
    for version in range(1, newest):
        with pytest.raises(hvac.exceptions.InvalidPath):
            vault.secrets.kv.v2.read_secret_version(
                path="nexus/postgres", version=version, raise_on_deleted_version=True
            )
    now = vault.secrets.kv.v2.read_secret_version(path="nexus/postgres", raise_on_deleted_version=True)["data"]["data"]
    assert "owner_password" not in now


def test_the_application_keeps_secrets_in_a_folder_named_after_the_project(project: Project, vault: Any) -> None:
    folder = slug(project.folder.name)
    kv = vault.secrets.kv.v2
    kv.create_or_update_secret(path=f"{folder}/mail", secret={"key": "one"})
    kv.patch(path=f"{folder}/mail", secret={"key": "two"})
    assert kv.read_secret_version(path=f"{folder}/mail", raise_on_deleted_version=True)["data"]["data"] == {
        "key": "two"
    }
    assert kv.list_secrets(path=folder)["data"]["keys"] == ["mail"]
    kv.delete_metadata_and_all_versions(path=f"{folder}/mail")
    for closed in ("nexus/mine", "another/mail"):
        with pytest.raises(hvac.exceptions.Forbidden):
            kv.create_or_update_secret(path=closed, secret={"key": "one"})


def test_requests_are_audited_without_secrets(project: Project, vault: Any) -> None:
    secret = "correct-horse-battery-staple"
    vault.secrets.kv.v2.create_or_update_secret(path="app/audited", secret={"word": secret})
    logs = [project.run("exec", node, "--", "cat", "/data/audit/audit.log").out for node in NODES]
    assert any("secret/data/app/audited" in log for log in logs)
    assert not any(secret in log for log in logs)


def test_a_second_audit_device_does_not_need_the_disk(project: Project) -> None:
    devices = operator(project, "audit", "list", "-format=json")
    assert {name: each["options"]["file_path"] for name, each in devices.items()} == {
        "file/": "/data/audit/audit.log",
        "memory/": "/tmp/audit.log",
    }
    logs = [project.run("exec", node, "--", "tail", "-n", "1", "/tmp/audit.log").out for node in NODES]
    assert any('"request"' in log for log in logs)


def test_a_second_seeding_changes_nothing(project: Project) -> None:
    project.run("seed")
    again = project.run("seed", "--json")
    assert again.code == 0, again.err
    assert "secret/nexus" not in again.out


def test_the_unseal_keys_are_in_no_container_settings(project: Project) -> None:
    shown = [
        project.run("secrets", "show", name).out.strip()
        for name in ("vault-unseal-key", "vault-recovery-key", "vault-seal-token", "vault-operator-secret-id")
    ]
    assert all(shown)
    for service in ALL:
        settings = json.dumps(engine.container(project, service).attrs)
        assert not any(value in settings for value in shown), service


@pytest.mark.usefixtures("heal")
def test_four_killed_nodes_restart_unsealed(project: Project, vault: Any) -> None:
    vault.secrets.kv.v2.create_or_update_secret(path="app/kept", secret={"a": "b"})
    containers = [engine.container(project, service) for service in ALL]
    for each in containers:
        each.kill()
    for each in containers:
        each.start()
    app.until(lambda: unsealed_nodes(project) == 4, seconds=60, what="all four unsealed")
    app.until(
        lambda: bool(vault.secrets.kv.v2.read_secret_version(path="app/kept", raise_on_deleted_version=True)),
        seconds=30,
        what="a read through the gateway",
    )


@pytest.mark.usefixtures("heal")
@pytest.mark.parametrize("service", examples(["vault-1", "vault-unseal"], in_make_test=["vault-unseal"]))
def test_a_lost_volume_is_recreated_without_data_loss(project: Project, vault: Any, service: str) -> None:
    vault.secrets.kv.v2.create_or_update_secret(path="app/kept", secret={"service": service})
    gone = engine.container(project, service)
    volume = next(mount["Name"] for mount in gone.attrs["Mounts"] if mount["Destination"] == "/data")
    gone.remove(force=True)
    engine.client().volumes.get(volume).remove()
    project.up("--recreate-volumes")
    for node in NODES:  # the seal of the new node is that of the old one
        engine.container(project, node).restart(timeout=3)
    app.until(lambda: unsealed_nodes(project) == 4, seconds=60, what="all four unsealed")
    read = vault.secrets.kv.v2.read_secret_version
    app.until(
        lambda: read(path="app/kept", raise_on_deleted_version=True)["data"]["data"] == {"service": service},
        seconds=30,
        what="what was written before",
    )


def unsealed_nodes(project: Project) -> int:
    """How many of the four say that they are unsealed."""
    output = [
        engine.container(project, service).exec_run(
            ["sh", "/etc/vault/client.sh", "status", "-address=https://127.0.0.1:8200"]
        )
        for service in ALL
    ]
    return sum(1 for each in output if each.exit_code == 0)


def test_env_replaces_an_invalid_token(project: Project, values: Mapping[str, str]) -> None:
    assert project.run("vault", "--", "token", "revoke", "-self").code == 0
    ran = project.run("env", "--format", "json")
    assert ran.code == 0, ran.err
    again = json.loads(ran.out)
    assert again["VAULT_TOKEN"] != values["VAULT_TOKEN"]
    assert app.vault_client(again).is_authenticated()
    assert f"VAULT_TOKEN={again['VAULT_TOKEN']}" in (project.folder / ".env.nexusdev").read_text()
