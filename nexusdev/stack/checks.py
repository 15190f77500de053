"""Checks a stack as a whole: ports, addresses, names, shared networks, order and secret recipes. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev.stack.document import MappingNode, SourcePosition, Value, config_error
from nexusdev.stack.model import Network, Secret, SecretRecipe, Service
from nexusdev.stack.order import find_cycle, needs

_REFERENCE = re.compile(r"\{\{\s*(?:[a-z0-9]+:)?\s*([A-Za-z0-9._-]+)\s*\}\}")


def check_services(services: Mapping[str, Service], written: Mapping[str, Value], network: Network) -> None:
    """Check the services against each other: host ports, addresses, names, mount targets, references and cycles of dependencies.

    Args:
        services: Name → service.
        written: Name → the YAML of the service, for the positions in errors.
        network: The network that the addresses must be in.

    Raises:
        InvalidConfig: Two services clash, a reference leads nowhere, or there is a cycle; the error has file and line.
    """
    _no_port_twice(services, written)
    _addresses(services, written, network)
    _no_name_twice(services, written)
    _references(services, written)
    _no_target_twice(services, written)
    _connections(services, written)
    graph = {service.name: needs(service) for service in services.values()}
    if cycle := find_cycle(graph):
        raise config_error(
            _position(written, cycle[0], "depends_on", "network_mode"),
            f"a cycle: {' → '.join(cycle)}",
            why="each depends on the next",
        )


def _position(written: Mapping[str, Value], service: str, *keys: str) -> SourcePosition:
    """Return the position of one of the keys of a service, or of the service itself."""
    value = written[service]
    if isinstance(value, MappingNode):
        return next((value.keys[key] for key in keys if key in value.keys), value.position)
    return value.position


def _no_port_twice(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    taken: dict[int, str] = {}
    for service in services.values():
        for port in service.ports:
            if port.host in taken:
                raise config_error(
                    _position(written, service.name, "ports"),
                    f"host port {port.host} is published twice",
                    why=f"{taken[port.host]} also publishes it",
                )
            taken[port.host] = service.name


def _addresses(services: Mapping[str, Service], written: Mapping[str, Value], network: Network) -> None:
    subnet = ipaddress.IPv4Network(network.subnet)
    taken: dict[str, str] = {}
    for service in services.values():
        if service.shares:
            continue
        position = _position(written, service.name, "networks")
        try:
            address = ipaddress.IPv4Address(service.address)
        except ValueError as error:
            raise config_error(position, f"{service.address!r} is not an IPv4 address") from error
        if address not in subnet or address in (subnet[0], subnet[1], subnet[-1]):
            raise config_error(
                position, f"{address} is not a usable address in {subnet}", why=f"allowed: {subnet[2]} to {subnet[-2]}"
            )
        if network.ip_range and address in ipaddress.IPv4Network(network.ip_range):
            raise config_error(
                position,
                f"{address} is in the ip_range of the network",
                why=f"a container without a fixed address may get it; {network.ip_range} is for those",
            )
        if service.address in taken:
            raise config_error(
                position, f"address {address} is used twice", why=f"{taken[service.address]} also has it"
            )
        taken[service.address] = service.name


def _no_name_twice(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    taken = {name: name for name in services}
    for service in services.values():
        for alias in service.aliases:
            if alias in taken:
                raise config_error(
                    _position(written, service.name, "networks"),
                    f"alias {alias} is used twice",
                    why=f"{taken[alias]} also has it",
                )
            taken[alias] = service.name


def _references(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    known = tuple(services)
    for service in services.values():
        for other in service.depends_on:
            if other not in services:
                raise config_error(
                    _position(written, service.name, "depends_on"),
                    f"unknown service {other}",
                    allowed=known,
                    near=other,
                )
        if not service.shares:
            continue
        position = _position(written, service.name, "network_mode")
        if service.shares not in services:
            raise config_error(position, f"unknown service {service.shares}", allowed=known, near=service.shares)
        _share_of_a_share(service, services, position)


def _connections(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    """Check that connections lead to a group, a service or a role name, and that served names are aliases of their service."""
    groups = {service.group for service in services.values()}
    known = tuple(sorted({*services, *groups, *(alias for service in services.values() for alias in service.aliases)}))
    for service in services.values():
        position = _position(written, service.name, "x-nexusdev")
        for connection in service.connects:
            if connection.target not in known:
                raise config_error(
                    position,
                    f"connects to {connection.target}, which is no role name, service or group",
                    allowed=known,
                    near=connection.target,
                )
        for name in service.serves:
            if name not in service.aliases:
                raise config_error(
                    position, f"serves {name}, which is no alias of it", allowed=service.aliases, near=name
                )


def _share_of_a_share(service: Service, services: Mapping[str, Service], position: SourcePosition) -> None:
    """Reject a sidecar of a sidecar, except for a cycle, which has a different error."""
    beyond = services[service.shares].shares
    if beyond and not find_cycle({name: (other.shares,) for name, other in services.items() if other.shares}):
        raise config_error(position, f"{service.shares} itself shares a network", hint=f"write service:{beyond}")


def _no_target_twice(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    for service in services.values():
        targets = [
            *((mount.target, "volumes") for mount in service.volumes),
            *((target, "tmpfs") for target in service.tmpfs),
            *((mount.target, f"{mount.kind}s") for mount in service.files),
        ]
        seen: set[str] = set()
        for target, key in targets:
            if target in seen:
                raise config_error(_position(written, service.name, key), f"{target} is mounted twice")
            seen.add(target)


def check_recipes(secrets: Mapping[str, Secret], written: Mapping[str, Value]) -> None:
    """Check that texts only refer to existing secrets, without cycles."""
    graph: dict[str, Sequence[str]] = {name: made_from(secret.recipe) for name, secret in secrets.items()}
    for name, others in graph.items():
        for other in others:
            if other not in secrets:
                raise config_error(
                    written[name].position, f"unknown secret {other} in its recipe", allowed=tuple(secrets), near=other
                )
    if cycle := find_cycle(graph):
        raise config_error(
            written[cycle[0]].position, f"a cycle: {' → '.join(cycle)}", why="each is derived from the next"
        )


def check_own_secret(secret: Secret, own: Mapping[str, Secret], written: Value, state: str) -> None:
    """Check that a secret of the project's own files is created in the instance's state, and not from a secret of the platform.

    Args:
        secret: The secret.
        own: Name → secret, of the project's own files.
        written: The YAML of the secret, for the position in errors.
        state: Path of the state folder.

    Raises:
        InvalidConfig: The secret is a certificate or another file, or is derived from a secret of the platform.
    """
    if secret.recipe.certificate:
        raise config_error(
            written.position,
            "certificate is not for own files",
            hint="write x-nexusdev: {certificate: true} on the service",
        )
    if secret.file != Path(state) / "secrets" / f"own-{secret.name}":
        raise config_error(
            written.position,
            f"{secret.file} is not a file for this secret",
            why="nexusdev creates it in the instance's state",
            hint=f"file: ${{NEXUS_STATE}}/secrets/own-{secret.name}",
        )
    for other in made_from(secret.recipe):
        if other not in own:
            raise config_error(
                written.position, f"secret {other} in its recipe is of the platform", allowed=tuple(own), near=other
            )


def made_from(recipe: SecretRecipe) -> tuple[str, ...]:
    """Return the secrets that another is derived from."""
    key = (recipe.jwt["key"],) if "key" in recipe.jwt else ()
    return tuple(dict.fromkeys((*key, *_REFERENCE.findall(recipe.text))))
