"""What the engine holds of every instance, and of strangers: so that none meets another and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """One object that carries our labels.

    name        the engine's name of it (for an image its first tag)
    owner_path  the project folder that made it
    ports       the host ports that it publishes, or would publish when started
    size        in bytes, where the engine tells it
    """

    kind: Literal["container", "volume", "network", "image"]
    name: str
    id: str
    instance: str = ""
    owner_path: str = ""
    service: str = ""
    running: bool = False
    ports: tuple[int, ...] = ()
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Survey:
    """One look over the whole engine.

    subnets    network name → CIDR, of every network, ours or not
    published  host port → name of the running container that has it, ours or not
    """

    belongings: tuple[Belonging, ...] = ()
    subnets: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, str] = field(default_factory=dict)

    def of_instance(self, name: str) -> tuple[Belonging, ...]:
        """Everything that belongs to one instance."""
        return tuple(each for each in self.belongings if each.instance == name)

    @property
    def instances(self) -> tuple[str, ...]:
        """The names of all instances that own something, sorted."""
        return tuple(sorted({each.instance for each in self.belongings if each.instance}))
