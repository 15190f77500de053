"""The graph of the services: which pods connect to which, at which ports, and so at which ports each container listens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup, group_of
from nexusdev.stack.model import Service, Stack

#: The config that names the project's own services to scrape.
OWN_TARGETS = "own-targets"


class Edge(Struct, frozen=True, kw_only=True):
    """Pods of one group connect to pods of another, or to each other. ``listener``: the group of the container that listens."""

    source: str
    target: str
    port: int
    listener: str


def edges(stack: Stack, groups: Iterable[PodGroup]) -> tuple[Edge, ...]:
    """Return every edge once, by source and target in the order of the groups, then by port.

    Args:
        stack: Its services declare their connections.
        groups: The groups of its pods.
    """
    groups = tuple(groups)
    order = {group.name: number for number, group in enumerate(groups)}
    members = group_of(groups)
    found = {
        Edge(
            source=members[service.name].name,
            target=members[listener.name].name,
            port=port,
            listener=listener.group,
        )
        for service in stack.services.values()
        for listener, port in _connections(service, stack)
    }
    found |= _scrapes(stack, members)
    return tuple(sorted(found, key=lambda each: (order[each.source], order[each.target], each.port, each.listener)))


def _connections(service: Service, stack: Stack) -> Iterable[tuple[Service, int]]:
    for connection in service.connects:
        yield resolve(connection.target, stack), connection.port
    for component in service.own.needs if service.own else ():
        yield from _reached_by_need(component, stack)
    for other in service.own.after if service.own else ():
        yield from ((stack.services[other], port.container) for port in stack.services[other].ports)


def _scrapes(stack: Stack, members: Mapping[str, PodGroup]) -> set[Edge]:
    """Return the edges of the servers that read the list of own services to scrape."""
    readers = {
        members[service.name].name
        for service in stack.services.values()
        if any(file.name == OWN_TARGETS for file in service.files)
    }
    return {
        Edge(source=reader, target=members[service.name].name, port=service.own.scrape.port, listener=service.group)
        for service in stack.own
        if service.own and service.own.scrape
        for reader in readers
    }


def _reached_by_need(component: str, stack: Stack) -> Iterable[tuple[Service, int]]:
    """Return what a service of the project reaches by naming a component: its published ports, and all role names."""
    for service in stack.services.values():
        if service.component == component:
            yield from ((service, port.container) for port in service.ports)
        yield from ((service, port) for ports in service.serves.values() for port in ports)


def resolve(target: str, stack: Stack) -> Service:
    """Return the service that a role name, a service or a group (its first member) means."""
    services = stack.services
    alias = next((each for each in services.values() if target in each.aliases), None)
    return alias or services.get(target) or next(each for each in services.values() if each.group == target)


def container_ports(groups: Iterable[PodGroup], found: Iterable[Edge]) -> Mapping[str, tuple[int, ...]]:
    """Return group of a container → the ports at which it listens: those that it publishes, and those that others connect to.

    Args:
        groups: The groups of pods.
        found: The edges between them.
    """
    ports: dict[str, set[int]] = {}
    for group in groups:
        for services in group.containers:
            ports.setdefault(services[0].group, set()).update(port.container for port in services[0].ports)
    for edge in found:
        ports.setdefault(edge.listener, set()).add(edge.port)
    return {group: tuple(sorted(numbers)) for group, numbers in ports.items()}
