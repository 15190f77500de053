"""What the engine holds of every instance, and of strangers: so that none meets another and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field


class OwnedResource(Struct, frozen=True, kw_only=True):
    """One object that carries our labels.

    name        the engine's name of it
    owner_path  the project folder that made it;  state_path  the state folder with which it was made, '' where nothing tells
    ports       the host ports that it publishes, or would publish when started
    running     a container that does its work;  alive  one with a process: running, paused, or about to be started again
    used        when a container ended or a volume was made, in seconds since the epoch; 0.0 where that is not known
    one_off     a container of `nexusdev run --in`
    """

    kind: Literal["container", "volume", "network"]
    name: str
    id: str
    instance: str = ""
    owner_path: str = ""
    state_path: str = ""
    service: str = ""
    running: bool = False
    alive: bool = False
    used: float = 0.0
    ports: tuple[int, ...] = ()
    one_off: bool = False


class EngineInventory(Struct, frozen=True, kw_only=True):
    """One look over the whole engine.

    subnets    network name → CIDR, of every network, ours or not
    published  host port → name of the running container that has it, ours or not
    in_use     ids of all images from which containers were made, ours or not
    caches     names of the volumes that image builds keep
    """

    resources: tuple[OwnedResource, ...] = ()
    subnets: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, str] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()
    caches: tuple[str, ...] = ()

    def of_instance(self, name: str) -> tuple[OwnedResource, ...]:
        """Everything that belongs to one instance."""
        return tuple(each for each in self.resources if each.instance == name)

    @property
    def instances(self) -> tuple[str, ...]:
        """The names of all instances that own something, sorted."""
        return tuple(sorted({each.instance for each in self.resources if each.instance}))
