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
    """A named volume and its path in the container."""

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
    """The log driver of a container and its limits. ``options`` are the driver's own."""

    driver: str
    options: Mapping[str, str] = field(default_factory=dict)


class ReadyCheck(Struct, frozen=True, kw_only=True):
    """A check of one service: the readiness of an own service, and what a pod runtime asks of the platform's.

    Attributes:
        kind: http: ``path`` answers with a status below 400; tcp: ``port`` accepts connections; exec: ``argv`` exits with 0 in
            the container; running: its process runs, which is all that is known without a check.
        port: The container port of http and tcp.
        path: The path of http.
        tls: Whether http uses TLS, verified with the instance's CA.
        argv: The command of exec.
    """

    kind: Literal["http", "tcp", "exec", "running"] = "running"
    port: int = 0
    path: str = "/"
    tls: bool = False
    argv: tuple[str, ...] = ()


class Connection(Struct, frozen=True, kw_only=True):
    """A connection that a service opens. ``target``: a role name, a service or a group of the stack, in this order."""

    target: str
    port: int


class Scrape(Struct, frozen=True, kw_only=True):
    """The metrics endpoint of an own service, on the instance's network."""

    port: int
    path: str = "/metrics"
    tls: bool = False


class ServiceBuild(Struct, frozen=True, kw_only=True):
    """The inputs of an image build: a folder, the Dockerfile's path relative to it, a stage of it ('' for the last), build arguments."""

    folder: Path
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


class OwnService(Struct, frozen=True, kw_only=True):
    """The settings that only own services of the project have.

    Attributes:
        ready: Its readiness check.
        needs: Components of the platform that must be ready before it starts.
        after: Own services that must be ready before it starts.
        env: Whether it gets the variables of the components that it needs, in the container view.
        trust: Whether it gets the files that variables refer to: the instance's CA, the bundle.
        scrape: Its metrics endpoint; None for none.
        build: The inputs of its image build; None for an image that is pulled.
    """

    ready: ReadyCheck = ReadyCheck()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    env: bool = False
    trust: bool = False
    scrape: Scrape | None = None
    build: ServiceBuild | None = None


class Service(Struct, frozen=True, kw_only=True):
    """The desired definition of one container.

    A runtime without containers translates these members, or rejects those that it does not support.

    Attributes:
        shares: The service whose network namespace it uses; '' for its own.
        user: User and group that the process runs as, ``uid:gid``; '' is the user of the image. Files and secrets of the service must
            be readable by it, and its volumes writable, however the runtime delivers them (a pod: ``runAsUser`` and ``fsGroup``).
        depends_on: Services that must have been started before. It orders steps; it does not wait until they are ready, because
            every server of the stack waits for its peers itself.
        restart: ``no``, ``always``, ``on-failure``, ``on-failure:N`` or ``unless-stopped``: what happens after an unrequested exit.
            A runtime that always restarts may do so, and reports each such exit in ``watch_exits``.
        stop_grace: Seconds between the stop signal and SIGKILL.
        connects: The connections that it opens. A runtime with network policies allows these and no others.
        serves: Role name → the container ports that clients use under it; a role name that is missing has all published ports.
        ready: The check of the process's readiness, for runtimes that check it themselves; None for the healthcheck.
        alive: The check that ends a process that hangs; None where its product documents none.
        own: The additional settings of an own service; None for a service of the platform.
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
    connects: tuple[Connection, ...] = ()
    serves: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ready: ReadyCheck | None = None
    alive: ReadyCheck | None = None
    own: OwnService | None = None


class SecretRecipe(Struct, frozen=True, kw_only=True):
    """How nexusdev creates a secret file; exactly one of the members is set.

    Attributes:
        live: Whether the server reads the file when needed (or its component notifies it): a change recreates no container.
        jwt: ``key`` names the secret that signs; everything else is a claim.
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
    """A file of the instance's state folder, mode 0600, and its recipe."""

    name: str
    file: Path
    recipe: SecretRecipe


class Network(Struct, frozen=True, kw_only=True):
    """The network of an instance, a /24. ``ip_range``: range of dynamic addresses; '' for anywhere in it."""

    name: str
    subnet: str
    ip_range: str = ""

    def address(self, number: int) -> str:
        """Return the address with this last number."""
        return f"{self.subnet.rpartition('.')[0]}.{number}"


class Allocations(Struct, frozen=True, kw_only=True):
    """The numbers that are allocated to own services. They do not change when other services are added or removed.

    Attributes:
        addresses: Service → number of its address.
        ports: ``service:container port`` → last two digits of its host port.
    """

    addresses: Mapping[str, int] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


class SingleProfile(Struct, frozen=True, kw_only=True):
    """A profile whose groups have one server each. ``components`` are those that it starts, ``omit`` the groups that it does not need."""

    components: tuple[str, ...]
    omit: tuple[str, ...] = ()


class Stack(Struct, frozen=True, kw_only=True):
    """All services that can run, by name, in the order of the files: the platform, then the project's own services.

    Attributes:
        profiles: Name → components that ``up --profile`` starts. ``full``, which has all components, is not listed.
        single: Name → profile with single servers. Its stack is another one (``single.single_stack``), so an instance keeps it for life.
        file: The outermost compose file.
        made_of: Every input file of the stack: compose files, and the config files that must exist.
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
    single: Mapping[str, SingleProfile] = field(default_factory=dict)
    file: Path = field(default_factory=Path)
    made_of: tuple[Path, ...] = ()
    allocations: Allocations = Allocations()

    def copied_configs(self) -> Mapping[str, Path]:
        """Config → its file, for those that containers get as a copy. Files in the state folder are mounted directly."""
        # a set, because comparing every config with every file took a seventh of an `up` without changes
        made_of = frozenset(self.made_of)
        return {name: file for name, file in self.configs.items() if file in made_of}

    def of_component(self, component: str) -> tuple[Service, ...]:
        """Return the services of one component, in the order of the files."""
        return tuple(service for service in self.services.values() if service.component == component)

    @property
    def components(self) -> tuple[str, ...]:
        """The components of all services, without duplicates, in the order of the files."""
        return tuple(dict.fromkeys(service.component for service in self.services.values()))

    @property
    def own(self) -> tuple[Service, ...]:
        """The project's own services."""
        return tuple(service for service in self.services.values() if service.own)

    def hosts(self) -> Mapping[str, str]:
        """Name → address, for every service and alias of the platform: the hosts file of every container.

        With a hosts file, a DNS failure never delays a failover. Own services are resolved by the engine's DNS: adding one to the hosts
        file would recreate every container.
        """
        return {
            name: service.address
            for service in self.services.values()
            if service.address and not service.own
            for name in (service.name, *service.aliases)
        }
