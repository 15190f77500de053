"""The model of the compose files, as frozen values: a Stack of Services, volumes, secrets and network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

#: The profile with every component; the stack files need not define it.
FULL = "full"
#: Repository of the images that are built for own services. The tag is computed from the inputs of the build.
BUILT = "nexusdev-own"


class Port(Struct, frozen=True, kw_only=True):
    """A container port published on 127.0.0.1."""

    host: int
    container: int


class VolumeMount(Struct, frozen=True, kw_only=True):
    """A named volume and where it appears."""

    volume: str
    target: str
    read_only: bool = False


#: The folder in the instance's state that contains copies of the config files, by config name.
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


class ReadyCheck(Struct, frozen=True, kw_only=True):
    """How one of the project's own services is found to be ready.

    Attributes:
        kind: http: ``path`` answers with a status below 400; tcp: ``port`` accepts connections; exec: ``argv`` exits with 0 in
            the container; running: its process runs, which is all that is known without a check.
        port: The container port of http and tcp.
        path: The path of http.
        tls: http over TLS, verified by the instance's CA.
        argv: The command of exec.
    """

    kind: Literal["http", "tcp", "exec", "running"] = "running"
    port: int = 0
    path: str = "/"
    tls: bool = False
    argv: tuple[str, ...] = ()


class Scrape(Struct, frozen=True, kw_only=True):
    """Where Prometheus finds the metrics of one of the project's own services, on the instance's network."""

    port: int
    path: str = "/metrics"
    tls: bool = False


class ServiceBuild(Struct, frozen=True, kw_only=True):
    """What an image is built from: a folder, the Dockerfile's path relative to it, a stage of it ('' for the last), build arguments."""

    folder: Path
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


class OwnService(Struct, frozen=True, kw_only=True):
    """What only the project's own services have.

    Attributes:
        ready: How it is found to be ready.
        needs: Components of the platform that must be ready before it starts.
        after: Own services that must be ready before it starts.
        env: It gets the variables of the components that it needs, as applications in containers read them.
        trust: It gets the files that variables name: the instance's CA, the bundle.
        scrape: Where Prometheus finds its metrics; None for nowhere.
        build: What its image is built from; None for an image that is pulled.
    """

    ready: ReadyCheck = ReadyCheck()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    env: bool = False
    trust: bool = False
    scrape: Scrape | None = None
    build: ServiceBuild | None = None


class Service(Struct, frozen=True, kw_only=True):
    """One container as it shall be. ``shares`` names the service whose network namespace it lives in.

    A runtime that has no containers of its own translates these members, or refuses what it cannot do:

    Attributes:
        user: User and group that the process runs as, ``uid:gid``; '' is the user of the image. Files and secrets of the service must
            be readable by it, and its volumes writable, however the runtime delivers them (a pod: ``runAsUser`` and ``fsGroup``).
        depends_on: Services that must have been started before. It orders steps; it does not wait until they are ready, because
            every server of the stack waits for its peers itself.
        restart: ``no``, ``always``, ``on-failure``, ``on-failure:N`` or ``unless-stopped``: what happens after an exit that nobody
            asked for. A runtime that always restarts may do so, and reports each such exit in ``watch_exits``.
        stop_grace: Seconds between the stop signal and SIGKILL.
        own: What one of the project's own services has besides; None for a service of the platform.
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
    own: OwnService | None = None


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

    def address(self, number: int) -> str:
        """The address with this last number."""
        return f"{self.subnet.rpartition('.')[0]}.{number}"


class Allocations(Struct, frozen=True, kw_only=True):
    """The numbers that own services were given: they stay when others come and go.

    Attributes:
        addresses: Service → number of its address.
        ports: ``service:container port`` → last two digits of its host port.
    """

    addresses: Mapping[str, int] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


class Stack(Struct, frozen=True, kw_only=True):
    """All that may run, by name, in the order of the files: the platform, then the project's own services.

    Attributes:
        profiles: Name → the components of it that ``up --profile`` brings up, besides ``full``: every one.
        file: The outermost compose file.
        made_of: Every file that decides what the stack is: compose files, and the config files that must exist.
        allocations: The numbers of the project's own services.
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
    allocations: Allocations = Allocations()

    def copied_configs(self) -> Mapping[str, Path]:
        """Config → its file, for those that containers get as a copy: what lies in the state folder is mounted itself."""
        # a set, because comparing every config with every file took a seventh of an `up` without changes
        made_of = frozenset(self.made_of)
        return {name: file for name, file in self.configs.items() if file in made_of}

    def of_component(self, component: str) -> tuple[Service, ...]:
        """The services of one component, in the order of the files."""
        return tuple(service for service in self.services.values() if service.component == component)

    @property
    def components(self) -> tuple[str, ...]:
        """The components that occur, each once, in the order of the files."""
        return tuple(dict.fromkeys(service.component for service in self.services.values()))

    @property
    def own(self) -> tuple[Service, ...]:
        """The project's own services."""
        return tuple(service for service in self.services.values() if service.own)

    def hosts(self) -> Mapping[str, str]:
        """Name → address, for every service and alias of the platform: the hosts file of every container.

        So a dead DNS never stalls a failover. Own services are found by the engine's DNS: a hosts file with them would recreate
        every container when one of them is added.
        """
        return {
            name: service.address
            for service in self.services.values()
            if service.address and not service.own
            for name in (service.name, *service.aliases)
        }
