"""The observed state of an instance on a Docker engine, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class State(StrEnum):
    """The states of a container, in the engine's own words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"


class Container(Struct, frozen=True, kw_only=True):
    """One container of this instance.

    namespace_of  the id of the container whose network it shares, if any
    role          server, sidecar, store or observer, as the stack says
    state_path    the state folder of the instance, where it was made with one
    attached      whether it is on the instance's network, or shares one
    started_at    in seconds since the epoch, as are all times; 0.0 for a running container that neither shares nor lends a network
    """

    id: str
    name: str
    service: str
    component: str
    state: State
    fingerprint: str
    owner_path: str
    state_path: str = ""
    exit_code: int = 0
    error: str = ""
    out_of_memory: bool = False
    started_at: float = 0.0
    finished_at: float = 0.0
    health: str = ""
    namespace_of: str = ""
    role: str = "server"
    attached: bool = True


class Volume(Struct, frozen=True, kw_only=True):
    """A named volume of this instance; ``name`` is the stack's short name, ``full_name`` the engine's.

    strangers  names of containers that are not this instance's and have it mounted, whether they run or not: it cannot be removed
    """

    name: str
    full_name: str
    owner_path: str = ""
    state_path: str = ""
    strangers: tuple[str, ...] = ()


class NetworkState(Struct, frozen=True, kw_only=True):
    """The instance's network as it exists.

    ip_range   where dynamic addresses come from; '' for anywhere in the subnet
    strangers  names of running containers that are not this instance's and are attached to it: it cannot be removed
    """

    id: str
    full_name: str
    subnet: str
    ip_range: str = ""
    owner_path: str = ""
    strangers: tuple[str, ...] = ()


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything that carries this instance's labels.

    containers  by service name
    orphans     containers with our label that no service name claims (renamed by hand, doubled)
    one_offs    containers of `nexusdev run --in`: they run, or were left behind
    name_conflicts  names that our services need and that somebody else's container has: name → its image
    """

    containers: Mapping[str, Container] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    network: NetworkState | None = None
    orphans: tuple[Container, ...] = ()
    one_offs: tuple[Container, ...] = ()
    name_conflicts: Mapping[str, str] = field(default_factory=dict)
