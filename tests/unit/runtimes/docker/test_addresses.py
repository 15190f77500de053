"""Where the services of a stack are reached, and where the CA is, from each view."""

from __future__ import annotations

from msgspec.structs import replace

from nexusdev.interfaces import Address, View
from nexusdev.runtimes.docker.runtime import DockerRuntime
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.stack.model import Network, Port, Service, Stack

SERVER = Service(
    name="db-0",
    image="i",
    component="db",
    group="db",
    aliases=("db-primary",),
    ports=(Port(host=21040, container=5432),),
)
SIDECAR = replace(SERVER, name="relay-0", shares="db-0", aliases=(), ports=())
INNER = replace(SERVER, name="etcd-0", aliases=(), ports=())
STACK = Stack(
    project="nexusdev-shop",
    network=Network(name="nexus", subnet="10.0.0.0/24"),
    services={each.name: each for each in (SERVER, SIDECAR, INNER)},
)
DOCKER = DockerRuntime("nexusdev-shop", instance="shop", owner_path="/p", state_path="/state/shop", stack=STACK)
MEMORY = MemoryRuntime(project="nexusdev-shop", instance="shop", state_path="/state/shop", stack=STACK)


def test_the_host_reaches_a_service_its_aliases_and_its_sidecars_at_the_published_port() -> None:
    expected = Address(host="127.0.0.1", port=21040)
    for runtime in (DOCKER, MEMORY):
        assert dict(runtime.addresses(View.HOST)) == {
            ("db-0", 5432): expected,
            ("db-primary", 5432): expected,
            ("relay-0", 5432): expected,
        }


def test_a_container_reaches_services_by_name_at_the_container_port() -> None:
    for runtime in (DOCKER, MEMORY):
        found = runtime.addresses(View.CONTAINER)
        assert found.keys() == runtime.addresses(View.HOST).keys()
        assert found["db-primary", 5432] == Address(host="db-primary", port=5432)


def test_there_are_no_addresses_without_a_stack() -> None:
    assert DockerRuntime("nexusdev-shop", instance="shop", owner_path="/p").addresses(View.HOST) == {}


def test_the_ca_has_a_host_path_and_a_container_path() -> None:
    for runtime in (DOCKER, MEMORY):
        assert runtime.ca_path(View.HOST) == "/state/shop/tls/ca.crt"
        assert runtime.ca_path(View.CONTAINER) == "/run/nexusdev/ca.crt"


def test_the_client_files_have_a_host_path_and_a_container_path() -> None:
    for runtime in (DOCKER, MEMORY):
        assert runtime.client_folder(View.HOST) == "/state/shop/client/host"
        assert runtime.client_folder(View.CONTAINER) == "/run/nexusdev"
