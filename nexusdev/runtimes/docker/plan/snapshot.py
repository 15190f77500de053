"""The observed state of an instance on a Docker engine, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class State(StrEnum):
    """The states of a container, as the engine names them."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    DEAD = "dead"


class Container(Struct, frozen=True, kw_only=True):
    """One container of this instance. Times are in seconds since the epoch.

    Attributes:
        state_path: The state folder of the instance, if the container was created with one.
        started_at: Time of its last start; 0.0 for a running container that neither shares a network nor owns a shared one.
        namespace_of: The id of the container whose network it shares; '' for none.
        role: server, sidecar, store or observer, as the stack declares.
        attached: Whether it is on the instance's network, or shares one.
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
    """A named volume of this instance.

    Attributes:
        name: Its short name in the stack.
        full_name: Its name in the engine.
        strangers: Names of containers outside this instance that mount it, running or not; they block its removal.
    """

    name: str
    full_name: str
    owner_path: str = ""
    state_path: str = ""
    strangers: tuple[str, ...] = ()


class NetworkState(Struct, frozen=True, kw_only=True):
    """The existing network of the instance.

    Attributes:
        ip_range: Range of dynamic addresses; '' for anywhere in the subnet.
        strangers: Names of running containers outside this instance that are attached to it; they block its removal.
    """

    id: str
    full_name: str
    subnet: str
    ip_range: str = ""
    owner_path: str = ""
    strangers: tuple[str, ...] = ()


class Snapshot(Struct, frozen=True, kw_only=True):
    """All resources with this instance's labels.

    Attributes:
        containers: Service → container.
        orphans: Containers with the instance's label that belong to no service (renamed by hand, duplicates).
        one_offs: Containers of ``nexusdev run --in``, running or left behind.
        name_conflicts: Service whose container name is used by a container of another owner → its image.
    """

    containers: Mapping[str, Container] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    network: NetworkState | None = None
    orphans: tuple[Container, ...] = ()
    one_offs: tuple[Container, ...] = ()
    name_conflicts: Mapping[str, str] = field(default_factory=dict)
