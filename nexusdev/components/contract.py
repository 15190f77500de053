"""What every component promises, and the frozen values in which it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct, field

from nexusdev.errors import NexusError
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.stack.model import Service
from nexusdev.wire.endpoint import PublishedEndpoint


class ServiceStatus(Struct, frozen=True, kw_only=True):
    """One row of ``status``: a server, its role in its own words, and how it stands.

    role    primary, replica, leader, master, slave, active, standby, …; '' when it does not answer
    state   running, streaming, online, unsealed, down, …
    detail  lag, quorum, drives, …: short words for a person
    ok      whether this node does its part
    """

    service: str
    role: str = ""
    state: str = "down"
    detail: str = ""
    ok: bool = False


class Readiness(Struct, frozen=True, kw_only=True):
    """Ready when nothing is missing. ``missing`` is a sentence for the person who waits.

    seedable  the component can be seeded although it is not complete yet (a primary that takes writes while replicas still copy)
    """

    missing: str = ""
    seedable: bool = False

    @property
    def ready(self) -> bool:
        return not self.missing


class Change(Struct, frozen=True, kw_only=True):
    """One thing that seeding did: ``created database nexus_architect``. Seeding that changed nothing returns none."""

    what: str


class Variable(Struct, frozen=True, kw_only=True):
    """One environment variable. Values match ``[A-Za-z0-9:/@.,?=_%+-]*`` so that no format needs quoting.

    No ``&``: a shell that sources the file would cut the value there. A URL has at most one parameter; libpq takes the
    others from its own variables (``DATABASE_URL=…?sslmode=verify-full`` and ``PGSSLROOTCERT``).

    first  production reads it by this name: it is printed before those that are not
    """

    name: str
    value: str
    secret: bool = False
    comment: str = ""
    first: bool = False


class Consumer(StrEnum):
    """Who reads credentials from Vault. Each has a path and a policy of its own, and reads no other's."""

    APPLICATION = "application"
    MIGRATIONS = "migrations"


Credentials = Mapping[Consumer, Mapping[str, str]]


class SeedFile(Struct, frozen=True, kw_only=True):
    """A file of the project's ``seed/`` folder. ``path`` is relative to it, with forward slashes."""

    path: str
    content: bytes
    sha256: str


class Client(Struct, frozen=True, kw_only=True):
    """How to run the product's own client: a shell-free argv inside a running service; secrets by files that are mounted there.

    reads_stdin  with these arguments it reads its standard input
    """

    service: str
    argv: tuple[str, ...]
    reads_stdin: bool = True


class Link(Struct, frozen=True, kw_only=True):
    """What ``urls`` lists, and ``open`` shows where it is a page.

    name      by which a person looks for it: ``postgres-pool``, ``grafana``
    variable  the variable with its URL; '' where no application reads one
    path      what a browser opens below that URL; None where it can show nothing
    role      without a variable (or where it was not published): the service or role name that publishes the page
    port      the container port of ``role``
    """

    name: str
    variable: str = ""
    path: str | None = None
    role: str = ""
    port: int = 0


class GatewayRole(Struct, frozen=True, kw_only=True):
    """A role name of the gateway that leads to a component's servers.

    proxy    the service of the gateway that has it
    name     the role name, which is an alias of that service
    backend  regular expression for the names of the backends behind it; one of their servers must be up
    """

    proxy: str
    name: str
    backend: str


class ScrapeTargets(Struct, frozen=True, kw_only=True):
    """How Prometheus sees a component, where a target is not simply the service of its name.

    through  job → the service that answers in the place of the target; ``{}`` is the target's number
    roles    role name that is a target → the services that must exist for it to answer
    silent   series that are 0 for a target whose exporter answers while it does not
    """

    through: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()


class Proof(Struct, frozen=True, kw_only=True):
    """One published path that answered with this instance's nonce. ``path`` names it as a person would."""

    path: str
    seconds: float


class Alert(Struct, frozen=True, kw_only=True):
    """A rule that fires now.

    component  what it is about;  instance  the service, '' where it is about several
    severity   critical, warning or info
    runbook    where it is written what to do
    since      seconds since the epoch; 0.0 where it was not told
    """

    name: str
    component: str
    severity: str = ""
    instance: str = ""
    summary: str = ""
    runbook: str = ""
    since: float = 0.0


class Alarms(Struct, frozen=True, kw_only=True):
    """What fires; ``trouble`` is a sentence where that is not known."""

    alerts: tuple[Alert, ...] = ()
    trouble: str = ""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Why a server ended, where its component understands its words: ``why`` and ``hint`` as an error has them."""

    why: str
    hint: str
    code: str


class ImageCheck(Struct, frozen=True, kw_only=True):
    """What a program of an image shall say of files, before a container is made from that image.

    files   name → file of this machine; they lie in the folder in which the script runs
    script  for /bin/sh
    interpret  makes the error of its exit code and its lines; None where all is well
    """

    image: str
    files: Mapping[str, Path]
    script: str
    interpret: Callable[[int, Sequence[str]], NexusError | None]


#: What is missing until a condition holds, '' when it does. Given the rows of the services that are meant.
Condition = Callable[[Sequence[ServiceStatus]], str]


class Component(Protocol):
    """A product made of services.

    Every method may be called from its own thread. ``probe`` never raises for a server that is down: that is a fact.
    ``seed``, ``rotate`` raise ``SeedingFailed``; ``prove`` raises ``IdentityMismatch`` or ``Degraded`` with what answered instead.
    """

    name: str
    title: str

    @property
    def requires(self) -> Sequence[str]:
        """The components without which it cannot be used: usually the gateway."""

    @property
    def links(self) -> Sequence[Link]:
        """What ``urls`` and ``open`` know of it."""

    @property
    def gateway_roles(self) -> Sequence[GatewayRole]:
        """The role names of the gateway that lead to it."""

    @property
    def scrape_targets(self) -> ScrapeTargets:
        """Its targets, where they are not simply its services."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """What ``wait --for`` knows of this component alone: condition → what is missing, from its rows of ``status``."""

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Any:
        """Collect the facts over the real protocol from the host; each request bounded to about 2 seconds.

        Args:
            access: The instance.
            test_writes: Test as well that writes are acknowledged, by a write that leaves nothing behind. Asked by whoever waits
                (``up``, ``wait``). Without it nothing is written: ``status`` only reads.
        """

    def assess(self, facts: Any) -> Readiness:
        """Decide from the facts. Pure."""

    def statuses(self, facts: Any) -> Sequence[ServiceStatus]:
        """The rows of ``status``. Pure."""

    def prepare(self, access: InstanceAccess, facts: Any) -> None:
        """What its readiness itself needs from outside, once (Vault's initialisation). Called between looks; idempotent; usually nothing."""

    def credentials(self, access: InstanceAccess) -> Credentials:
        """Return what Vault keeps for each consumer: its login and the addresses inside the network."""

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Bring databases, users, buckets, policies to what they shall be. ``credentials``: those of every component, by name."""

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        """Apply the project's own seed files of this component (``seed/<component>/…``), each once, by its hash."""

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        """What applications read. From secrets, addresses and what containers there are: no server is asked."""

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        """The quick proof, for ``env``: each path that these variables (host view) publish, and what to ask there."""

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        """The full proof, after ``up``: the same questions, asked by the libraries that applications use."""

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        """New passwords for the application's users, in the server and in the secret store; open connections stay."""

    def client(self, arguments: Sequence[str]) -> Client | None:
        """The product's client with these arguments, or None where it has none."""


@runtime_checkable
class RenewsCredentials(Protocol):
    """A component among whose variables is something that expires."""

    def refresh(self, access: InstanceAccess) -> Sequence[Change]:
        """Make it valid for its whole time again; what had to be replaced. Raises ``SeedingFailed``."""


@runtime_checkable
class KeepsCredentials(Protocol):
    """A component that keeps a copy of the other components' credentials for their consumers."""

    def update_credentials(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Write what was rotated to where the consumers read it. Raises ``SeedingFailed``."""


@runtime_checkable
class AlertSource(Protocol):
    """A component that watches the others."""

    def alarms(self, access: InstanceAccess) -> Alarms:
        """What it says of them now, within half a second. Never raises for a server that is down."""

    def coverage(self, facts: Any) -> Mapping[str, float]:
        """How much of what runs it sees: ``services`` that run, how many of them are ``scraped``, ``coverage`` from 0 to 1. Pure."""


@runtime_checkable
class ValidatesConfig(Protocol):
    """A component whose own files are looked at before anything starts. ``services``: those of it that are meant."""

    def files(self, services: Sequence[Service]) -> Sequence[Path]:
        """The files that are looked at: while they are as they were when nothing was wrong, they are not looked at again."""

    def check(self, services: Sequence[Service]) -> None:
        """Read them. Raises ``InvalidConfig`` with file and line."""

    def image_checks(self, services: Sequence[Service]) -> Sequence[ImageCheck]:
        """What only a program of one of its images can tell of them."""


@runtime_checkable
class ExplainsExit(Protocol):
    """A component that understands the last words of its servers."""

    def explain(self, service: str, log: Sequence[str]) -> Diagnosis | None:
        """What made this server end; None where its words say nothing special. Pure."""


@runtime_checkable
class Keeping(Protocol):
    """A component that says what its servers keep on their volumes, and how they get it back."""

    def holdings(self) -> Sequence[Holding]:
        """One for each group of services that has volumes. What is not named here begins anew and empty, each volume for itself."""


@runtime_checkable
class Resettable(Protocol):
    """A component in which the data of one server may go alone: nothing else depends on it, and it begins anew without."""

    def data_loss(self, service: str) -> str:
        """What is lost with the data of this service, in words; '' where it is no such."""
