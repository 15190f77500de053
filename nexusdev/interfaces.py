"""Protocols: Runtime, SecretStore, VolumeArchive, and the InstanceAccess that components get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from msgspec import Struct, field

from nexusdev.util.memo import Memo

if TYPE_CHECKING:
    from nexusdev.faults import FaultInjector
    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.stack.topology import Topology


class Address(Struct, frozen=True, kw_only=True):
    """Where a service answers, seen from one side."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class View(StrEnum):
    """From where an address or a variable is meant to be used."""

    HOST = "host"
    CONTAINER = "container"


class Completed(Struct, frozen=True, kw_only=True):
    """A command that ended inside a container."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


class BindMount(Struct, frozen=True, kw_only=True):
    """A file or folder of the host in a container."""

    source: Path
    target: str
    read_only: bool = False


class OneOff(Struct, frozen=True, kw_only=True):
    """A container for one command on the instance's network, removed afterwards.

    Attributes:
        name: The container's name.
        image: The image, which the runtime has.
        argv: The command; empty for the image's own.
        environment: Variables beside those of the image.
        mounts: Files and folders of the host.
        working_dir: Where the command starts; '' for the image's own.
        user: Who runs it; '' for the image's own.
    """

    name: str
    image: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[BindMount, ...] = ()
    working_dir: str = ""
    user: str = ""


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of a service's output; ``at`` in seconds since the epoch."""

    service: str
    at: float
    text: str


class ServiceExit(Struct, frozen=True, kw_only=True):
    """A service that ended.

    at     in seconds since the epoch, by the runtime's clock
    asked  it was told to end, by whomever: stopped, or removed. Killing alone (SIGKILL) is no such thing.
    """

    service: str
    exit_code: int
    at: float
    asked: bool = False


class PlatformFacts(Struct, frozen=True, kw_only=True):
    """What a runtime says of itself.

    Attributes:
        version: In its own words: ``27.0.1 (API 1.46)``.
        rootless: It runs without root, so that users inside and outside are not the same.
    """

    version: str
    rootless: bool = False


class Advice(Struct, frozen=True, kw_only=True):
    """What errors and notes say in a runtime's own words; ``hint`` lines have their command first.

    Attributes:
        kept_data: What may remove the data of an instance that is down.
        kept_stopped: What may remove a stopped instance.
        ended_by: What may have ended a service from outside.
        lost_data: What may have removed data volumes.
        elsewhere: Hint for data that may be at another place.
        no_room: Hints for a full disk.
    """

    kept_data: str
    kept_stopped: str
    ended_by: str
    lost_data: str
    elsewhere: str
    no_room: str


class VolumeArchive(Protocol):
    """Reads and writes whole data volumes of one instance as tar streams. Its services should not run meanwhile."""

    def export(self, volume: str, stream: IO[bytes]) -> None:
        """Write everything in a volume, with owners and modes, as one tar archive.

        Args:
            volume: Its short name.
            stream: Where the archive goes.

        Raises:
            NotFound: There is no such volume.
            IdentityMismatch: It is not this instance's.
        """

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        """Replace everything in a volume by what a tar archive has. Names in it are relative to the volume's root.

        Raises:
            NotFound, IdentityMismatch: As for ``export``.
            Locked: A running service has the volume.
        """


class Runtime(Protocol):
    """Where an instance runs: on a Docker engine or in memory. One contract suite tests all of them.

    A runtime is bound to one instance (project name, owner path). It raises ``PreflightFailed`` where its engine does not answer.
    """

    @property
    def advice(self) -> Advice:
        """This runtime's own words for notes and hints."""

    @property
    def faults(self) -> FaultInjector | None:
        """What brings about failures; None where the runtime has nothing for it."""

    @property
    def volumes(self) -> VolumeArchive | None:
        """What exports and imports data volumes; None where the runtime has nothing for it."""

    def observe(self) -> Observation:
        """Everything that exists of this instance, in one or two calls."""

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        """The steps from what was observed to what is asked for. Pure over the observation; without one it observes first.

        Raises:
            IdentityMismatch: It is another folder's instance, or a name that it needs is somebody else's.
            NotFound: A service to stop or start does not exist.
            PreflightFailed, TeardownIncomplete: Somebody else uses what would have to go.
        """

    def apply(self, step: Step) -> None:
        """Do one step of a plan of this runtime. Doing it twice is the same as once."""

    def now(self) -> float:
        """The time by the runtime's clock, in seconds since the epoch. Times that a runtime tells are compared with this clock only."""

    def watch_exits(self, stop: object) -> Iterator[ServiceExit]:
        """Services of this instance as they end, until ``stop.is_set()`` (a threading.Event)."""

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        """Where the services of the stack are reached: (service or alias, container port) → address, for every published port."""

    def ca_path(self, view: View) -> str:
        """The path of the CA's certificate, seen from there."""

    def client_folder(self, view: View) -> str:
        """The folder of the files that clients read (trust, connection services), seen from there.

        ``HOST`` gives the folder that programs on the host read. ``CONTAINER`` gives the path at which a container must have the
        container's own folder mounted.
        """

    def publish_secret(self, name: str, value: str) -> None:
        """Bring a new value of a secret to the servers that have it: running ones see it without a restart.

        Args:
            name: The secret, by the name that the compose files give it.
            value: All of its content; the secret store has written it to its own file before.
        """

    def publish_file(self, name: str, data: bytes) -> None:
        """The same for a file of the state folder that a server reads while it runs, such as ``metrics.prom``."""

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Lines of stdout and stderr, merged by time."""

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Run a command in a running container and collect its output. Never put a secret in argv or environment."""

    def attach(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a command with the caller's streams (a terminal when ``tty``); returns its exit code."""

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a container with the caller's streams; signals of this process reach its command, and it is removed however it ends.

        Returns:
            The exit code of the command.

        Raises:
            NotFound: The instance has no network, or the image is not there.
        """


class SecretStore(Protocol):
    """The secrets of one instance, by the names that the compose files give them."""

    def read(self, name: str) -> str:
        """The value without a trailing newline; '' for a runtime secret that is not written yet."""

    def write(self, name: str, value: str) -> None:
        """Replace a value, render again what is derived from it, and publish both to the servers through the runtime."""


class InstanceAccess(Struct, frozen=True, kw_only=True):
    """All that a component sees of the world: where to reach its servers, with which credentials, as which instance.

    addresses  (name, container port) → address on the host, for every service and alias that publishes the port
    topology   which servers there are, from the compose files
    client_folder  the files that clients on the host read: trust, connection services
    memo       what is made once for this access (TLS contexts) and dropped with it
    """

    instance: str
    nonce: str
    addresses: Mapping[tuple[str, int], Address]
    secrets: SecretStore
    ca_file: Path
    client_certificate: Path
    client_key: Path
    runtime: Runtime
    topology: Topology
    client_folder: Path = field(default_factory=Path)
    project: Path = field(default_factory=Path)
    memo: Memo = field(default_factory=Memo)

    def address(self, name: str, port: int) -> Address:
        """Where the host reaches ``port`` of the service or role name."""
        return self.addresses[name, port]

    def address_in(self, view: View, name: str, port: int) -> Address:
        """The same, seen from the host or from a container on the instance's network."""
        return self.address(name, port) if view is View.HOST else self.runtime.addresses(view)[name, port]

    def ca_file_in(self, view: View) -> str:
        """Return the path of the CA, seen from the host or from a container that has it mounted."""
        return str(self.ca_file) if view is View.HOST else self.runtime.ca_path(view)

    def client_file_in(self, view: View, name: str) -> str:
        """Return the path of a client file, seen from the host or from a container that has the folder mounted."""
        folder = str(self.client_folder) if view is View.HOST else self.runtime.client_folder(view)
        return f"{folder}/{name}"
