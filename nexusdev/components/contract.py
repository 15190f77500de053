"""The Component protocol and its value types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field

from nexusdev.interfaces import InstanceAccess, View
from nexusdev.wire.endpoint import PublishedEndpoint


class ServiceStatus(Struct, frozen=True, kw_only=True):
    """One row of ``status``: a server, its role in the product's own term, and its state.

    Attributes:
        service: The service's name.
        role: primary, replica, leader, master, slave, active, standby, …; '' if it does not answer.
        state: running, streaming, online, unsealed, down, …
        detail: Short text for people: lag, quorum, drives, …
        ok: Whether this server works as it should.
    """

    service: str
    role: str = ""
    state: str = "down"
    detail: str = ""
    ok: bool = False


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether a component is ready, and if not, what is missing.

    Attributes:
        missing: A sentence that says what is missing; '' if the component is ready.
        seedable: The component can be seeded although it is not ready yet: a primary accepts writes while its replicas still copy.
    """

    missing: str = ""
    seedable: bool = False

    @property
    def ready(self) -> bool:
        return not self.missing


class Change(Struct, frozen=True, kw_only=True):
    """One change that seeding or a rotation made. If nothing changed, there is none.

    Attributes:
        what: What was done: ``created database nexus_architect``.
    """

    what: str


class Variable(Struct, frozen=True, kw_only=True):
    """One environment variable. Values match ``[A-Za-z0-9:/@.,?=_%+-]*``, so that no format needs quoting.

    No ``&``: a shell that sources the file would cut the value there. A URL has at most one parameter; libpq reads the
    others from its own variables (``DATABASE_URL=…?sslmode=verify-full`` and ``PGSSLROOTCERT``).

    Attributes:
        name: The variable's name.
        value: The variable's value.
        secret: Whether the value is a secret.
        comment: A note for the env file.
        application: Whether the application itself needs it; else it is for migrations or tests, and the project's own services do not
            get it.
        first: Production uses the same name; such variables are printed first.
    """

    name: str
    value: str
    secret: bool = False
    comment: str = ""
    application: bool = True
    first: bool = False


class Consumer(StrEnum):
    """Who reads credentials from Vault. Each consumer has its own path and policy, and cannot read those of another."""

    APPLICATION = "application"
    MIGRATIONS = "migrations"


Credentials = Mapping[Consumer, Mapping[str, str]]


class SeedFile(Struct, frozen=True, kw_only=True):
    """A file of the project's ``seed/`` folder.

    Attributes:
        path: Path relative to ``seed/``, with forward slashes.
        content: The bytes of the file.
        sha256: Hex digest of the content.
    """

    path: str
    content: bytes
    sha256: str


class Client(Struct, frozen=True, kw_only=True):
    """How to run the product's own client in a running service. It reads secrets from files that are mounted there.

    Attributes:
        group: The group of services that have it; it runs in the first member that runs.
        argv: The command and its arguments; no shell interprets them.
        reads_stdin: Whether it reads its standard input with these arguments.
    """

    group: str
    argv: tuple[str, ...]
    reads_stdin: bool = True


class Link(Struct, frozen=True, kw_only=True):
    """A URL that ``urls`` lists; ``open`` opens it if it is a page.

    Attributes:
        name: The name that users type: ``postgres-pool``, ``grafana``.
        variable: The variable that has the URL; '' if applications need none.
        path: The page's path below that URL; None if there is no page.
        role: The service or role name that publishes the page, if the link has no variable or it is not published.
        port: The container port of ``role``.
        scheme: The scheme of the URL of ``role``.
    """

    name: str
    variable: str = ""
    path: str | None = None
    role: str = ""
    port: int = 0
    scheme: str = "https"


class GatewayRole(Struct, frozen=True, kw_only=True):
    """A role name of the gateway that routes to a component's servers.

    Attributes:
        name: The role name, which is an alias of a service of the gateway.
        backend: Regular expression for the names of its backends; at least one of their servers must be up.
    """

    name: str
    backend: str


class ScrapeTargets(Struct, frozen=True, kw_only=True):
    """How Prometheus scrapes a component, if a target is not simply the service of that name.

    Attributes:
        through: Job → the groups that its targets are asked through, such as an exporter.
        roles: Role name that is a target → the group behind it, which must exist for it to answer.
        silent: Series that are 0 if the exporter answers but its target does not.
        unscraped: Groups that have no server, such as the container of a client: they need no target.
    """

    through: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    unscraped: tuple[str, ...] = ()


class Proof(Struct, frozen=True, kw_only=True):
    """One published endpoint that answered with this instance's nonce.

    Attributes:
        path: Its name for people; begins with the variable that has it.
        seconds: How long the answer took.
    """

    path: str
    seconds: float


#: Takes the ``status`` rows of the selected services; returns why the condition is not met, '' if it is met.
Condition = Callable[[Sequence[ServiceStatus]], str]


class Component(Protocol):
    """A product made of services.

    Methods may be called from several threads. ``probe`` never raises for a server that is down: that is a fact.

    Attributes:
        name: The name in the registry, the compose files and on the command line.
        title: The product's name for people.
    """

    name: str
    title: str

    @property
    def requires(self) -> Sequence[str]:
        """The names of the components that it cannot be used without: usually the gateway."""

    @property
    def links(self) -> Sequence[Link]:
        """Its URLs for ``urls`` and ``open``."""

    @property
    def gateway_roles(self) -> Sequence[GatewayRole]:
        """The gateway's role names that route to it."""

    @property
    def scrape_targets(self) -> ScrapeTargets:
        """Its Prometheus targets, if they are not simply its services."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The conditions of ``wait --for`` that only this component has, by name."""

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Any:
        """Collect facts from the servers, with the real protocol and from the host. Each request takes at most about 2 seconds.

        Args:
            access: The instance.
            test_writes: Also test that writes are acknowledged, with a write that leaves nothing behind. ``up`` and ``wait`` set it.
                Without it nothing is written: ``status`` only reads.

        Returns:
            The facts, in a type of the component's own.
        """

    def assess(self, facts: Any) -> Readiness:
        """Decide from the facts whether the component is ready. Pure."""

    def statuses(self, facts: Any) -> Sequence[ServiceStatus]:
        """Return the rows of ``status``. Pure."""

    def prepare(self, access: InstanceAccess, facts: Any) -> None:
        """Do what the servers need from outside before they can be ready, such as Vault's initialization.

        Called between two probes; idempotent. Most components need nothing.
        """

    def credentials(self, access: InstanceAccess) -> Credentials:
        """Return what Vault stores for each consumer: its login and the addresses inside the network."""

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Create or update the databases, users, buckets and policies. Idempotent.

        Args:
            access: The instance.
            credentials: The credentials of every component, by its name.

        Returns:
            What changed.

        Raises:
            SeedingFailed: A server does not answer or rejects a change.
        """

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        """Apply the project's own seed files of this component (``seed/<component>/…``), each once per content.

        Raises:
            SeedingFailed: A file is invalid, or a server rejects it.
        """

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        """Return the variables for applications, from secrets, addresses and the existing containers. Asks no server."""

    def client_files(self, access: InstanceAccess, view: View, *, application: bool = False) -> Mapping[str, str]:
        """Return the files that the variables name: name → content. They are written where ``access.client_file_in`` says."""

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        """Yield the quick proof of ``env``: each endpoint that these variables (host view) publish, and how to ask it."""

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        """Run the full proof after ``up``: ask the same endpoints with the libraries that applications use.

        Raises:
            IdentityMismatch: A server of another instance answered.
            Degraded: An endpoint does not work.
        """

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        """Set new passwords for the application's users, in the server and in the secret store. Open connections stay open.

        Raises:
            SeedingFailed: A server does not answer or rejects a change.
        """

    def client(self, arguments: Sequence[str]) -> Client | None:
        """Return the product's client with these arguments; None if it has no client."""
