"""Every server that a configuration names with a port is among the connections that its service declares (``connects``).

Network policies allow only what is declared: a forgotten connection works in Docker and times out in Kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from nexusdev.stack.model import Service
from tests.topology import stack

_PROSE = re.compile(r'"""(?s:.)*?"""|^\s*[#;].*$', re.MULTILINE)
#: What a group names without a connection, and why.
NOT_CONNECTED: Mapping[str, Mapping[str, set[tuple[str, int]]]] = {
    "prometheus": {
        "the exporters connect to their targets": {
            ("postgresql", 5432),
            ("redis", 6379),
            ("sentinel", 26379),
            *(("sentinel-relay", port) for port in (26380, 26381, 26382)),
        }
    },
    "vault-unseal": {
        "its own addresses": {("vault-unseal", 8200), ("vault-unseal", 8201)},
        "the client is for the nodes": {("gateway-rw", 8200)},
    },
    "sentinel-relay": {"an address that it replaces in answers": {("redis", 6379)}},
}


def texts(service: Service) -> Iterator[str]:
    """Everything of a service that may name a server: command, environment, config files without comments."""
    yield from (*(service.entrypoint or ()), *(service.command or ()), *service.environment.values())
    configs = stack().copied_configs()
    for file in service.files:
        if file.kind == "config" and file.name in configs:
            yield _PROSE.sub("", configs[file.name].read_text(encoding="utf-8"))
        if file.kind == "secret":
            yield stack().secrets[file.name].recipe.text


def hosts() -> Mapping[str, Service]:
    """Name of a server or role → the service that answers."""
    return {name: each for each in stack().services.values() for name in (each.name, *each.aliases)}


def named(service: Service) -> set[tuple[str, int]]:
    """The groups and ports that the texts of a service name."""
    names = "|".join(sorted(hosts(), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.-])({names})(?:\$\{{NEXUS_DOMAIN\}})?:(\d+)")
    found = {(hosts()[name].group, int(port)) for text in texts(service) for name, port in pattern.findall(text)}
    spread = re.findall(r"//([a-z]+)-\{0\.\.\.\d\}:(\d+)", " ".join(service.command or ()))
    return found | {(name, int(port)) for name, port in spread}


def declared(service: Service) -> set[tuple[str, int]]:
    groups = {each.group: each for each in stack().services.values()}
    found = [(hosts().get(each.target) or groups[each.target], each.port) for each in service.connects]
    return {(owner(target).group, port) for target, port in found}


def owner(service: Service) -> Service:
    """The service in whose pod another one runs."""
    return stack().services[service.shares] if service.shares else service


@pytest.mark.parametrize("name", [name for name, each in stack().services.items() if not each.shares])
def test_a_service_declares_every_connection_that_its_configuration_names(name: str) -> None:
    service = stack().services[name]
    excused = {each for reason in NOT_CONNECTED.get(service.group, {}).values() for each in reason}
    assert named(service) - declared(service) == excused


def test_the_configurations_name_servers() -> None:
    found = {name: named(service) for name, service in stack().services.items()}
    assert ("etcd", 2379) in found["postgresql-0"]
    assert ("sentinel", 26379) in found["gateway-rw"]
    assert ("gateway-ro", 9090) in found["grafana"]
    assert ("minio", 9000) in found["minio-2"]
    assert len(found["prometheus-0"]) >= 12
