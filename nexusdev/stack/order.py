"""The start order of services: the graph of ``depends_on`` and shared networks, and its cycles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nexusdev.stack.model import Service


def needs(service: Service) -> tuple[str, ...]:
    """Return the services that must have been started before this one: the owner of its network first."""
    owner = (service.shares,) if service.shares else ()
    return tuple(dict.fromkeys((*owner, *service.depends_on)))


def edges(services: Mapping[str, Service]) -> Mapping[str, tuple[str, ...]]:
    """Return service → the services that it needs, as far as they are in ``services``."""
    return {name: tuple(other for other in needs(service) if other in services) for name, service in services.items()}


def find_cycle(graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the first cycle as a path that ends where it began (``a b a``); empty if there is none."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done:
            return ()
        for other in graph.get(name, ()):
            if found := walk(other, (*path, name)):
                return found
        done.add(name)
        return ()

    return next((cycle for name in graph if (cycle := walk(name, ()))), ())


def ordered(services: Mapping[str, Service]) -> tuple[Service, ...]:
    """Return the services, each after those that it needs, otherwise in the order of the files: sidecars after their owner, observers last."""
    graph = edges(services)
    observers = [service.name for service in services.values() if service.role == "observer"]
    sidecars: dict[str, list[str]] = {}
    for service in services.values():
        if service.role != "observer":
            sidecars.setdefault(service.shares, []).append(service.name)
    placed: dict[str, Service] = {}

    def place(name: str) -> None:
        if name in placed:
            return
        for other in graph[name]:
            place(other)
        placed.setdefault(name, services[name])
        for sidecar in sidecars.get(name, ()):
            if all(other in placed for other in graph[sidecar]):
                place(sidecar)

    for name in (*(each for each in services if each not in observers), *observers):
        place(name)
    return tuple(placed.values())


def closure(services: Mapping[str, Service], wanted: Iterable[str]) -> frozenset[str]:
    """Return the given services, everything that they need, and the sidecars of all of these."""
    found: set[str] = set()
    waiting = [name for name in wanted if name in services]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges(services)[name]
    return frozenset(found)
