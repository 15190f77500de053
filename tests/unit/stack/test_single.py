"""The stack of a profile with single servers: what stays of the whole one, and where its role names lead."""

from __future__ import annotations

import pytest

from nexusdev.components.component_set import ComponentSet
from nexusdev.interfaces import View
from nexusdev.stack.model import Port, Stack
from nexusdev.stack.single import SINGLE, in_memory, single_stack
from nexusdev.stack.topology import Topology
from tests import topology
from tests.unit.components.test_topology import access_to
from tests.unit.stack.conftest import GOOD, Files

#: Two members and a gateway in front of them. Its role `db-primary` leads to port 5432 of one of them.
TWO = (
    GOOD.replace(
        "networks: {nexus: {ipv4_address: 10.213.0.30, aliases: [db-primary]}}",
        "networks: {nexus: {ipv4_address: 10.213.0.30}}",
    )
    .replace("volumes:\n  db-0:\n", "volumes:\n  db-0:\n  spare:\n")
    .replace(
        "x-nexusdev: {component: db}",
        "x-nexusdev: {component: db, group: db, ordinal: 0, connects: [db:5432, elect:1]}",
    )
    + """
  elect:
    image: elect:1
    networks: {nexus: {ipv4_address: 10.213.0.31}}
    volumes: [spare:/data]
    x-nexusdev: {component: db, group: elect, role: store}
  front:
    image: proxy:1
    networks: {nexus: {ipv4_address: 10.213.0.10, aliases: [db-primary, db-replica, db-primary.example]}}
    ports: ["127.0.0.1:21032:5432", "127.0.0.1:21033:8404"]
    x-nexusdev: {component: gateway, connects: [db:5432], serves: {db-primary: [5432], db-replica: [5432]}}
x-nexusdev: {profiles: {tiny: {single: true, without: [gateway, monitoring], omit: [elect]}}}
"""
)


@pytest.fixture(scope="module")
def lite() -> Stack:
    return single_stack(topology.stack(), "lite")


def test_the_server_gets_the_names_and_ports_of_its_roles(files: Files) -> None:
    stack = single_stack(files.load(TWO), "tiny")
    assert tuple(stack.services) == ("db-0",)
    server = stack.services["db-0"]
    assert server.aliases == ("db-primary", "db-primary.example", "db-replica")
    assert server.ports == (Port(host=21032, container=5432),)
    assert [each.target for each in server.connects] == ["db"]
    assert (stack.volumes, stack.profiles, stack.single) == (("db-0",), {"tiny": ("db",)}, {})


def test_a_server_without_peers_is_told_so_and_others_are_not(lite: Stack) -> None:
    told = {name for name, each in lite.services.items() if each.environment.get(SINGLE)}
    assert told == {"postgresql-0", "redis-0", "minio-0", "vault-0"}


def test_lite_has_one_server_of_each_product(lite: Stack) -> None:
    assert set(lite.services) == {
        *("postgresql-0", "pgbouncer", "redis-0", "minio-0", "minio-client", "vault-0", "vault-unseal")
    }


def test_applications_use_the_ports_of_the_whole_stack(lite: Stack) -> None:
    """So that an env file of one reads like that of the other."""
    whole = Topology(services=topology.stack().services)
    for role in ("postgresql-primary", "redis-master", "minio-api", "vault-active"):
        proxy, server = (
            whole.services[whole.service_of(role)],
            lite.services[Topology(services=lite.services).service_of(role)],
        )
        assert set(server.ports) <= set(proxy.ports), role


@pytest.mark.parametrize("name", ["postgres", "redis", "minio", "vault"])
def test_components_ask_for_nothing_that_lite_does_not_have(lite: Stack, name: str) -> None:
    component, access = ComponentSet()[name], access_to(lite)
    facts = component.probe(access, test_writes=True)
    assert not component.assess(facts).ready
    assert component.statuses(facts)
    component.credentials(access)
    for view in View:
        component.variables(access, view)
        component.client_files(access, view)


def test_the_variables_of_lite_have_no_sentinels_and_reads_go_to_the_one_server(lite: Stack) -> None:
    access = access_to(lite)
    found = {
        each.name: each.value
        for name in ("postgres", "redis")
        for each in ComponentSet()[name].variables(access, View.HOST)
    }
    assert not {name for name in found if "SENTINEL" in name or "MASTER_NAME" in name}
    assert found["DATABASE_RO_URL"] == found["DATABASE_URL"]


def test_data_in_memory_belongs_to_the_user_of_its_server(lite: Stack) -> None:
    stack = in_memory(lite)
    assert stack.volumes == ()
    assert {name for name, each in stack.services.items() if each.volumes} == set()
    assert stack.services["redis-0"].tmpfs["/data"] == "mode=0700,uid=10001,gid=10001"
    assert "/tmp" in stack.services["redis-0"].tmpfs
