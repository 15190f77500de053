"""What the code says of the stack is what the compose files say: which servers there are, their ports, roles and secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.components.gateway.readiness import PORT, PROXIES
from nexusdev.components.minio import names as minio
from nexusdev.components.monitoring import names as monitoring
from nexusdev.components.postgres import names as postgres
from nexusdev.components.redis import names as redis
from nexusdev.components.registry import ALL
from nexusdev.components.vault import names as vault
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    compose = Path(__file__).parents[3] / "compose" / "stack.yaml"
    return load(compose, {"NEXUS_STATE": str(tmp_path_factory.mktemp("state"))})


def test_the_registry_and_the_files_have_the_same_components(stack: Stack) -> None:
    assert set(ALL) == set(stack.components)


@pytest.mark.parametrize(
    ("component", "group", "role", "names"),
    [
        ("postgres", "postgresql", "server", postgres.NODES),
        ("postgres", "etcd", "store", postgres.STORES),
        ("postgres", "pgbouncer", "server", (postgres.POOL,)),
        ("redis", "redis", "server", redis.SERVERS),
        ("redis", "sentinel", "server", redis.SENTINELS),
        ("redis", "sentinel", "sidecar", redis.RELAYS),
        ("minio", "minio", "server", minio.NODES),
        ("vault", "vault", "server", vault.NODES),
        ("vault", "vault-unseal", "store", (vault.UNSEAL,)),
        ("monitoring", "prometheus", "observer", monitoring.PROMETHEUSES),
        ("monitoring", "alertmanager", "observer", monitoring.ALERTMANAGERS),
        ("monitoring", "grafana", "observer", (monitoring.GRAFANA,)),
        ("monitoring", "node-exporter", "observer", (monitoring.NODE_EXPORTER,)),
    ],
)
def test_each_list_of_servers_is_a_group_of_the_files(
    stack: Stack, component: str, group: str, role: str, names: tuple[str, ...]
) -> None:
    members = [each for each in stack.of_component(component) if (each.group, each.role) == (group, role)]
    assert tuple(each.name for each in sorted(members, key=lambda each: each.ordinal)) == names
    assert [each.ordinal for each in sorted(members, key=lambda each: each.ordinal)] == list(range(len(names)))


def test_every_server_that_is_asked_publishes_its_port(stack: Stack) -> None:
    published = {
        (name, port.container)
        for service in stack.services.values()
        for name in (service.name, *service.aliases)
        for port in service.ports
    }
    asked = {
        *((name, PORT) for name in PROXIES),
        *((name, postgres.REST) for name in postgres.NODES),
        *((name, postgres.ETCD) for name in postgres.STORES),
        *((name, postgres.SQL) for name in (postgres.PRIMARY, postgres.REPLICA)),
        (postgres.POOL, postgres.POOLED),
        *((name, redis.PORT) for name in (*redis.SERVERS, redis.MASTER, redis.REPLICA)),
        *((name, redis.SENTINEL_PORT) for name in redis.SENTINELS),
        *((name, minio.API) for name in (*minio.NODES, minio.ROLE)),
        (minio.ROLE, minio.CONSOLE),
        *((name, vault.PORT) for name in (*vault.NODES, vault.UNSEAL, vault.ROLE)),
        *((name, monitoring.PORT) for name in (*monitoring.PROMETHEUSES, monitoring.PROMETHEUS)),
        *((name, monitoring.ALERTS_PORT) for name in (*monitoring.ALERTMANAGERS, monitoring.ALERTMANAGER)),
        (monitoring.GRAFANA, monitoring.PAGES_PORT),
    }
    assert asked - published == set()


def test_every_role_of_the_gateway_is_an_alias_of_its_proxy(stack: Stack) -> None:
    for component in ALL.values():
        for role in component.gateway_roles:
            assert role.name in stack.services[role.proxy].aliases, role


def test_every_target_that_is_scraped_through_another_service_names_one(stack: Stack) -> None:
    for component in ALL.values():
        declared = component.scrape_targets
        assert {name.format(0) for name in declared.through.values()} <= set(stack.services)
        assert {name for names in declared.roles.values() for name in names} <= set(stack.services)


def test_every_secret_that_is_read_is_in_the_files(stack: Stack) -> None:
    read = {
        *(*postgres.PASSWORDS.values(), postgres.REST_PASSWORD),
        *(redis.APP_PASSWORD, redis.ADMIN_PASSWORD, redis.SERVER_USERS, redis.SENTINEL_USERS),
        *(minio.ROOT_PASSWORD, minio.APP_ACCESS, minio.APP_SECRET),
        *(vault.UNSEAL_KEY, vault.SEAL_TOKEN, vault.SEAL_BACKUP, vault.RECOVERY_KEY, vault.PENDING, vault.APP_TOKEN),
        *(name(role) for role in (vault.APP, vault.MIGRATIONS) for name in (vault.role_id, vault.secret_id)),
    }
    assert read - stack.secrets.keys() == set()


def test_what_a_component_requires_is_a_component(stack: Stack) -> None:
    assert {needed for component in ALL.values() for needed in component.requires} <= set(stack.components)
