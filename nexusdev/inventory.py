"""The resources of all instances in a runtime, and those of others: for free ports and networks, ``ls`` and ``gc``."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class InstanceInventory(Struct, frozen=True, kw_only=True):
    """What exists of one instance.

    Attributes:
        name: The instance.
        owners: The project folders that made any of it.
        state_paths: The state folders with which it was made, as far as its objects tell.
        services: Printable names of what its services run in: ``container nexusdev-shop-redis-0-1``.
        running: How many of its services run.
        alive: Whether a service has a process, also a suspended one.
        volumes: The runtime's names of its data volumes.
        others: Printable names of everything else that is needed beside them.
        one_offs: The runtime's names of what ``nexusdev run --in`` made.
        ports: Host ports that it publishes, or would publish once started.
        held_ports: Those of what runs.
        used: When it was last used, in seconds since the epoch; 0.0 where that is not known.
    """

    name: str
    owners: tuple[str, ...] = ()
    state_paths: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    running: int = 0
    alive: bool = False
    volumes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    one_offs: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    held_ports: frozenset[int] = frozenset()
    used: float = 0.0

    @property
    def objects(self) -> tuple[str, ...]:
        """The printable names of all of it, data first."""
        volumes = (f"volume {name}" for name in self.volumes)
        return (*volumes, *self.services, *(f"container {name}" for name in self.one_offs), *self.others)


class Inventory(Struct, frozen=True, kw_only=True):
    """One look over the whole runtime.

    Attributes:
        instances: By name.
        port_holders: Host port → the container that publishes it, ours or not, in the runtime's words.
        images_in_use: Ids of all images of which something was made, ours or not.
        build_caches: Names of the volumes that image builds keep.
    """

    instances: Mapping[str, InstanceInventory] = field(default_factory=dict)
    port_holders: Mapping[int, str] = field(default_factory=dict)
    images_in_use: frozenset[str] = frozenset()
    build_caches: tuple[str, ...] = ()

    def of(self, name: str) -> InstanceInventory:
        """What exists of one instance; nothing for one that is not known."""
        return self.instances.get(name) or InstanceInventory(name=name)
