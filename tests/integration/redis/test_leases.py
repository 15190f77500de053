"""Leases while servers of Redis are down, restart, or fail over: Redis does not replicate users."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

import pytest
import redis

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("heal")]

SERVERS = ("redis-0", "redis-1", "redis-2")


@pytest.fixture
def lease(project: Project) -> Iterator[str]:
    """The name of a lease; it is dropped after the test."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    yield name
    project.run("lease", "drop", name)


def variables_of(project: Project, lease: str) -> Mapping[str, str]:
    ran = project.run("lease", "env", lease, "--json")
    assert ran.code == 0, ran.err
    return {str(name): str(value) for name, value in ran.data["variables"].items()}


def client(variables: Mapping[str, str], port: int | str) -> redis.Redis:
    url = variables["REDIS_URL"].replace(f":{variables['REDIS_PORT']}/", f":{port}/")
    return redis.Redis.from_url(url, ssl_ca_certs=variables["SSL_CERT_FILE"], decode_responses=True)


def knows(project: Project, variables: Mapping[str, str], service: str) -> bool:
    """Whether a server accepts the lease's login."""
    try:
        with client(variables, project.port(service, 6379)) as node:
            return bool(node.ping())
    except redis.AuthenticationError:
        return False


def create(project: Project, lease: str) -> None:
    ran = project.run("lease", "create", lease)
    assert ran.code == 0, ran.err


def test_a_restarted_server_gets_the_user_of_a_lease(project: Project, lease: str) -> None:
    assert project.run("stop", "redis-2").code == 0
    create(project, lease)
    assert project.run("start", "redis-2").code == 0
    variables = variables_of(project, lease)
    assert [knows(project, variables, service) for service in SERVERS] == [True] * 3


def test_a_restarted_server_forgets_the_user_of_a_dropped_lease(project: Project, lease: str) -> None:
    create(project, lease)
    variables = variables_of(project, lease)
    assert project.run("stop", "redis-2").code == 0
    assert project.run("lease", "drop", lease).code == 0
    assert project.run("start", "redis-2").code == 0
    assert [knows(project, variables, service) for service in SERVERS] == [False] * 3


def test_a_lease_survives_a_restart_of_all_servers(project: Project, lease: str) -> None:
    create(project, lease)
    variables = variables_of(project, lease)
    key = f"{variables['REDIS_KEY_PREFIX']}kept"
    with client(variables, variables["REDIS_PORT"]) as before:
        before.set(key, "yes")
    assert project.run("restart", "redis").code == 0
    assert [knows(project, variables, service) for service in SERVERS] == [True] * 3
    with client(variables, variables["REDIS_PORT"]) as after:
        assert after.get(key) == "yes"


def test_a_lease_works_on_the_master_after_a_failover(project: Project, lease: str) -> None:
    create(project, lease)
    variables = variables_of(project, lease)
    engine.container(project, engine.node_with_role(project, "master")).kill()
    app.until(lambda: writes(variables), seconds=60, what="a write by the lease's user")
    with (
        client(variables, variables["REDIS_PORT"]) as after,
        pytest.raises(redis.ResponseError, match=r"(?i)permission"),
    ):
        after.set("of-another", "x")


def writes(variables: Mapping[str, str]) -> bool:
    """Whether the master that the gateway leads to accepts a write of the lease."""
    with client(variables, variables["REDIS_PORT"]) as connection:
        return bool(connection.set(f"{variables['REDIS_KEY_PREFIX']}again", "yes"))
