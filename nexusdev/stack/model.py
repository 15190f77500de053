"""The model of the compose files, as frozen values: a Stack of Services, volumes, secrets and network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

#: The profile that is every component; it needs no words in the files.
FULL = "full"


class Port(Struct, frozen=True, kw_only=True):
    """A container port published on 127.0.0.1."""

    host: int
    container: int


class VolumeMount(Struct, frozen=True, kw_only=True):
    """A named volume and where it appears."""

    volume: str
    target: str
    read_only: bool = False


#: The folder of an instance's state that has the copies of config files, by the names of the configs.
COPIES = "configs"


class FileMount(Struct, frozen=True, kw_only=True):
    """A config or a secret as a read-only file: ``source`` on the host, ``target`` in the container."""

    kind: Literal["config", "secret"]
    name: str
    source: Path
    target: str


class Healthcheck(Struct, frozen=True, kw_only=True):
    """For display only; times in seconds."""

    test: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 0.0


class Logging(Struct, frozen=True, kw_only=True):
    """Where the engine keeps a container's output, and how much of it. ``options`` are the driver's own."""

    driver: str
    options: Mapping[str, str] = field(default_factory=dict)


class Service(Struct, frozen=True, kw_only=True):
    """One container as it shall be. ``shares`` names the service whose network namespace it lives in.

    A runtime that has no containers of its own translates these members, or refuses what it cannot do:

    Attributes:
        user: User and group that the process runs as, ``uid:gid``; '' is the user of the image. Files and secrets of the service must
            be readable by it, and its volumes writable, however the runtime delivers them (a pod: ``runAsUser`` and ``fsGroup``).
        depends_on: Services that must have been started before. It orders steps; it does not wait until they are ready, because
            every server of the stack waits for its peers itself.
        restart: ``no``, ``always``, ``on-failure``, ``on-failure:N`` or ``unless-stopped``: what happens after an exit that nobody asked for. A runtime that always
            restarts may do so, and reports each such exit in ``watch_exits``.
        stop_grace: Seconds between the stop signal and SIGKILL.
    """

    name: str
    image: str
    component: str
    group: str
    ordinal: int = 0
    role: Literal["server", "sidecar", "store", "observer"] = "server"
    optional: bool = False
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str = ""
    hostname: str = ""
    working_dir: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    aliases: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FileMount, ...] = ()
    depends_on: tuple[str, ...] = ()
    shares: str = ""
    read_only: bool = False
    init: bool = False
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    memory_bytes: int = 0
    pids: int = 0
    shm_bytes: int = 0
    restart: str = "no"
    stop_signal: str = ""
    stop_grace: float = 10.0
    healthcheck: Healthcheck | None = None
    logging: Logging | None = None


class SecretRecipe(Struct, frozen=True, kw_only=True):
    """How nexusdev makes a secret file; exactly one of the members is set.

    Attributes:
        live: The server reads the file when it needs it (or is told by its component): a change recreates nothing.
        jwt: ``key`` names the secret that signs, everything else is a claim.
    """

    password: int = 0
    key: int = 0
    text: str = ""
    jwt: Mapping[str, str] = field(default_factory=dict)
    certificate: str = ""
    names: tuple[str, ...] = ()
    runtime: bool = False
    live: bool = False


class Secret(Struct, frozen=True, kw_only=True):
    """A file of the instance's state folder, mode 0600, and how it comes to be."""

    name: str
    file: Path
    recipe: SecretRecipe


class Network(Struct, frozen=True, kw_only=True):
    """The one network of an instance, with its /24. ``ip_range``: where dynamic addresses come from, '' for anywhere in it."""

    name: str
    subnet: str
    ip_range: str = ""


class Stack(Struct, frozen=True, kw_only=True):
    """All that may run, by name, in the order of the files.

    Attributes:
        profiles: Name → the components of it that ``up --profile`` brings up, besides ``full``: every one.
        file: The outermost compose file.
        made_of: Every file that decides what the stack is: compose files, and the config files that must exist.
    """

    project: str
    network: Network
    services: Mapping[str, Service]
    volumes: tuple[str, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    configs: Mapping[str, Path] = field(default_factory=dict)
    live: frozenset[str] = frozenset()
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: Path = field(default_factory=Path)
    made_of: tuple[Path, ...] = ()

    def copied_configs(self) -> Mapping[str, Path]:
        """Config → its file, for those that containers get as a copy: what lies in the state folder is mounted itself."""
        # a set: comparing every config with every file took a seventh of an `up` that has nothing to do
        made_of = frozenset(self.made_of)
        return {name: file for name, file in self.configs.items() if file in made_of}

    def of_component(self, component: str) -> tuple[Service, ...]:
        """The services of one component, in the order of the files."""
        return tuple(service for service in self.services.values() if service.component == component)

    @property
    def components(self) -> tuple[str, ...]:
        """The components that occur, each once, in the order of the files."""
        return tuple(dict.fromkeys(service.component for service in self.services.values()))

    def hosts(self) -> Mapping[str, str]:
        """Name → address, for every service and alias: the hosts file of every container (a dead DNS never stalls a failover)."""
        return {
            name: service.address
            for service in self.services.values()
            if service.address
            for name in (service.name, *service.aliases)
        }
