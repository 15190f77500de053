"""Redis as it really runs: who may do what, where the relay leads, what an emptied master and a new password cost."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import redis as redis_py
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

SERVERS = ("redis-0", "redis-1", "redis-2")


@pytest.fixture
def client(variables: Mapping[str, str]) -> Iterator[Any]:
    """The application's own client, from the URL alone."""
    made = redis_py.Redis.from_url(variables["REDIS_URL"], ssl_ca_certs=variables["NEXUSDEV_CA_FILE"])
    yield made
    made.close()


def sentinel_of(variables: Mapping[str, str], **options: Any) -> Any:
    """redis-py's own way to the master, with nothing but the variables."""
    login = {
        "username": variables["REDIS_USERNAME"],
        "password": variables["REDIS_PASSWORD"],
        "ssl": True,
        "ssl_ca_certs": variables["NEXUSDEV_CA_FILE"],
        "socket_timeout": 3,
        **options,
    }
    places = [place.rsplit(":", 1) for place in variables["REDIS_SENTINELS"].split(",")]
    make: Any = Sentinel  # its constructor has no types
    return make([(host, int(port)) for host, port in places], sentinel_kwargs=login, **login)


@pytest.mark.parametrize("protocol", [2, 3], ids=["RESP2", "RESP3"])
def test_a_sentinel_client_on_the_host_gets_reachable_addresses(variables: Mapping[str, str], protocol: int) -> None:
    sentinel = sentinel_of(variables, protocol=protocol)
    host, port = sentinel.discover_master(variables["REDIS_MASTER_NAME"])
    replicas = sentinel.discover_slaves(variables["REDIS_MASTER_NAME"])
    assert host == "127.0.0.1"
    assert len({port, *(port for _, port in replicas)}) == 3
    assert {host for host, _ in replicas} == {"127.0.0.1"}
    assert sentinel.master_for(variables["REDIS_MASTER_NAME"]).role()[0] == b"master"
    assert sentinel.slave_for(variables["REDIS_MASTER_NAME"]).role()[0] == b"slave"


def test_other_sentinels_have_their_relay_ports(variables: Mapping[str, str]) -> None:
    [first, *_] = sentinel_of(variables).sentinels
    others = {f"{each['ip']}:{each['port']}" for each in first.sentinel_sentinels(variables["REDIS_MASTER_NAME"])}
    assert others < set(variables["REDIS_SENTINELS"].split(","))
    assert len(others) == 2


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET maxmemory",
        "ACL LIST",
        "FLUSHALL",
        "MONITOR",
        "REPLICAOF NO ONE",
        "SHUTDOWN",
        "CLIENT KILL ID 1",
        "SAVE",
    ],
)
def test_the_application_has_no_administrative_rights(client: Any, command: str) -> None:
    with pytest.raises(redis_py.exceptions.NoPermissionError):
        client.execute_command(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        *(
            "INFO server",
            "ROLE",
            "SCAN 0",
            "FUNCTION LIST",
            "XADD s * f v",
            "EVAL return(1) 0",
            "KEYS none:*",
            "SORT none",
        ),
        *("CLIENT ID", "CLIENT LIST", "CLIENT SETNAME me", "CLIENT INFO"),
    ],
)
def test_the_application_may_run_data_and_driver_commands(client: Any, command: str) -> None:
    client.execute_command(*command.split())


def test_the_application_may_only_query_the_sentinels(variables: Mapping[str, str]) -> None:
    [sentinel, *_] = sentinel_of(variables).sentinels
    with pytest.raises(redis_py.exceptions.NoPermissionError):
        sentinel.execute_command("SENTINEL", "FAILOVER", variables["REDIS_MASTER_NAME"])


def stranger(port: str, **options: Any) -> Any:
    """A client that tries once."""
    return redis_py.Redis(host="127.0.0.1", port=int(port), socket_timeout=3, retry=Retry(NoBackoff(), 0), **options)


def published(variables: Mapping[str, str]) -> list[str]:
    """The ports at which applications find Redis."""
    return [variables["REDIS_PORT"], *(place.rsplit(":", 1)[1] for place in variables["REDIS_SENTINELS"].split(","))]


def test_connections_without_a_password_are_refused(variables: Mapping[str, str]) -> None:
    for port in published(variables):
        with pytest.raises(redis_py.exceptions.RedisError, match=r"(?i)auth|perm"):
            stranger(port, ssl=True, ssl_ca_certs=variables["NEXUSDEV_CA_FILE"]).ping()


def test_connections_without_tls_are_refused(variables: Mapping[str, str]) -> None:
    for port in published(variables):
        with pytest.raises((redis_py.exceptions.ConnectionError, redis_py.exceptions.TimeoutError)):
            stranger(port).ping()


def test_the_certificate_is_verified_by_name(variables: Mapping[str, str]) -> None:
    import socket

    context = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    for name in ("127.0.0.1", "localhost", "redis-master", "redis-master.nexus-architect.svc.cluster.local", "redis-1"):
        with (
            socket.create_connection(("127.0.0.1", int(variables["REDIS_PORT"])), 3) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_memory_is_bounded_and_no_key_is_evicted(project: Project) -> None:
    told = project.run("redis", "--", "--user", "nexus_admin", "CONFIG", "GET", "maxmemory*")
    assert told.code == 0, told.err
    lines = told.out.split()
    assert lines[lines.index("maxmemory-policy") + 1] == "noeviction"
    assert int(lines[lines.index("maxmemory") + 1]) == 512 * 1024 * 1024


def test_no_password_is_in_process_arguments_or_container_settings(project: Project) -> None:
    password = project.run("secrets", "show", "redis-app").out.strip()
    assert password
    for service in (*SERVERS, "sentinel-0", "sentinel-relay", "gateway-rw"):
        container = engine.container(project, service)
        listed = str(container.attrs["Config"]) + "".join(map(str, container.top()["Processes"]))
        assert password not in listed


def test_the_mark_survives_the_removal_of_every_key(project: Project, client: Any) -> None:
    client.set("soon", "gone")
    for key in client.scan_iter():
        client.delete(key)
    assert project.run("redis", "--", "--user", "nexus_admin", "FLUSHALL").code == 0
    assert project.run("env").code == 0


@pytest.mark.usefixtures("heal")
def test_an_emptied_master_does_not_empty_the_replicas(project: Project, client: Any) -> None:
    client.set("app:kept", "yes")
    assert client.wait(2, 2000) == 2
    master = engine.node_with_role(project, "master")
    container = engine.container(project, master)
    container.exec_run(["bash", "-c", "rm -rf /data/redis"])
    container.kill()
    container.start()
    app.until(lambda: client.get("app:kept") == b"yes", seconds=30, what="the value is read through the gateway again")
    assert project.run("up").code == 0
    assert client.get("app:kept") == b"yes"
    sizes = {service: int(_count(project, service)) for service in SERVERS}
    assert min(sizes.values()) > 0, sizes


def _count(project: Project, service: str) -> str:
    return project.run("redis", "--", "-h", service, "DBSIZE").out.strip()


@pytest.mark.usefixtures("heal")
def test_clients_follow_a_planned_failover_by_name_and_by_sentinel(
    project: Project, variables: Mapping[str, str]
) -> None:
    before = engine.node_with_role(project, "master")
    writers = [app.RedisWriter(variables=variables), app.RedisWriter(variables=variables, sentinel=True)]
    for writer in writers:
        writer.connect()
        writer.write(1)
    admin = ["--user", "nexus_admin", "-h", "sentinel-0", "-p", "26379"]
    assert project.run("redis", "--", *admin, "SENTINEL", "FAILOVER", "nexus").out.strip() == "OK"
    app.until(lambda: engine.node_with_role(project, "master") != before, seconds=20, what="another master")
    for writer in writers:
        app.until(lambda writer=writer: _writes(writer, 2), seconds=20, what=f"a write, sentinel={writer.sentinel}")  # type: ignore[misc]
        assert {1, 2} <= writer.read()


def _writes(writer: app.RedisWriter, number: int) -> bool:
    writer.write(number)
    return True


def test_a_new_password_leaves_open_connections_and_other_users_alone(project: Project) -> None:
    import json

    def values() -> dict[str, str]:
        read: dict[str, str] = json.loads(project.run("env", "--format", "json").out)
        return read

    old = values()
    opened = redis_py.Redis.from_url(
        old["REDIS_URL"], ssl_ca_certs=old["NEXUSDEV_CA_FILE"], single_connection_client=True
    )
    opened.set("app:before", "1")
    try:
        rotated = project.run("secrets", "rotate", "redis")
        assert rotated.code == 0, rotated.err
        assert opened.get("app:before") == b"1"
        new = values()
        assert new["REDIS_PASSWORD"] != old["REDIS_PASSWORD"]
        assert redis_py.Redis.from_url(new["REDIS_URL"], ssl_ca_certs=new["NEXUSDEV_CA_FILE"]).ping()
        assert sentinel_of(new).master_for("nexus").ping()
        with pytest.raises(redis_py.exceptions.AuthenticationError):
            redis_py.Redis.from_url(old["REDIS_URL"], ssl_ca_certs=old["NEXUSDEV_CA_FILE"]).ping()
    finally:
        opened.close()
