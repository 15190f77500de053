"""Groups the objects of a Docker engine by instance. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from nexusdev.inventory import InstanceInventory


class OwnedResource(Struct, frozen=True, kw_only=True):
    """One resource with nexusdev's labels.

    Attributes:
        name: Its name in the engine.
        owner_path: The project folder that created it.
        state_path: The state folder with which it was created; '' if unknown.
        running: Whether it is a running container.
        alive: Whether it is a container with a process: running, paused, or about to be restarted.
        used: Time when a container ended or a volume was created, in seconds since the epoch; 0.0 if unknown.
        ports: The host ports that it publishes, or would publish when started.
        one_off: Whether it is a container of ``nexusdev run --in``.
    """

    kind: Literal["container", "volume", "network"]
    name: str
    instance: str = ""
    owner_path: str = ""
    state_path: str = ""
    running: bool = False
    alive: bool = False
    used: float = 0.0
    ports: tuple[int, ...] = ()
    one_off: bool = False


def by_instance(resources: Iterable[OwnedResource]) -> dict[str, InstanceInventory]:
    """Return the resources of each instance, sorted by name."""
    found: dict[str, list[OwnedResource]] = {}
    for each in resources:
        found.setdefault(each.instance, []).append(each)
    return {name: _instance(name, found[name]) for name in sorted(found) if name}


def _instance(name: str, things: list[OwnedResource]) -> InstanceInventory:
    containers = [each for each in things if each.kind == "container"]
    services = [each for each in containers if not each.one_off]
    return InstanceInventory(
        name=name,
        owners=tuple(dict.fromkeys(each.owner_path for each in things if each.owner_path)),
        state_paths=tuple(dict.fromkeys(each.state_path for each in things if each.state_path)),
        running=sum(each.running for each in services),
        alive=any(each.alive for each in services),
        services=tuple(f"container {each.name}" for each in services),
        one_offs=tuple(each.name for each in containers if each.one_off),
        volumes=tuple(each.name for each in things if each.kind == "volume"),
        others=tuple(f"network {each.name}" for each in things if each.kind == "network"),
        ports=frozenset(port for each in things for port in each.ports),
        held_ports=frozenset(port for each in things if each.running for port in each.ports),
        used=max(each.used for each in things),
    )
