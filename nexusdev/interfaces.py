"""Protocols: Runtime, SecretStore, VolumeArchive, and the InstanceAccess that components get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from msgspec import Struct, field

from nexusdev.util.memo import Memo
from nexusdev.util.sessions import Sessions

if TYPE_CHECKING:
    from threading import Event

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


#: What users type for a view. Where services run in a cluster, the other containers are those of the cluster.
VIEW_NAMES: Mapping[str, View] = {"host": View.HOST, "container": View.CONTAINER, "cluster": View.CONTAINER}


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
    """One line of a service's output.

    Attributes:
        service: The service that wrote it.
        at: When, in seconds since the epoch by the runtime's clock.
        text: The line without its end, as text; bytes that are not UTF-8 are replaced.
    """

    service: str
    at: float
    text: str


class ServiceExit(Struct, frozen=True, kw_only=True):
    """A service that ended.

    Attributes:
        service: Its name.
        exit_code: The exit code of its main process; 128 + the number of the signal that ended it.
        at: When, in seconds since the epoch by the runtime's clock.
        asked: Somebody stopped or removed it. Killing alone (SIGKILL) does not count.
    """

    service: str
    exit_code: int
    at: float
    asked: bool = False


class PlatformFacts(Struct, frozen=True, kw_only=True):
    """Facts about a runtime.

    Attributes:
        version: In its own words: ``27.0.1 (API 1.46)``.
        rootless: It runs without root, so that users inside and outside are not the same.
        identity: What tells it from another runtime, and changes with how it maps users and where it keeps data.
    """

    version: str
    rootless: bool = False
    identity: str = ""


class ReadBack(Struct, frozen=True, kw_only=True):
    """What a container found that read a file like the instance's secrets.

    Attributes:
        user: The user that it ran as.
        problem: Why it could not read the file; '' if it could.
        hint: What helps, as lines of a hint; only with a problem.
        open_files: How many files one of its processes may open; 0 if unknown.
    """

    user: str
    problem: str = ""
    hint: str = ""
    open_files: int = 0


class Advice(Struct, frozen=True, kw_only=True):
    """What errors and notes say in a runtime's own words; ``hint`` lines have their command first.

    Attributes:
        kept_data: What may remove the data of an instance that is down.
        kept_stopped: What may remove a stopped instance.
        ended_by: What may have ended a service from outside.
        lost_data: What may have removed data volumes.
        elsewhere: Hint for data that may be at another place.
        no_room: Hints for a full disk.
        more_files: How servers may open more files.
    """

    kept_data: str
    kept_stopped: str
    ended_by: str
    lost_data: str
    elsewhere: str
    no_room: str
    more_files: str


class VolumeCopy(Protocol):
    """A copy of several data volumes, all as they were at one moment."""

    @property
    def size(self) -> int:
        """Bytes that the copy occupies."""

    def export(self, volume: str, stream: IO[bytes]) -> None:
        """Write the copy of one volume as one tar archive, like ``VolumeArchive.export``."""


class VolumeArchive(Protocol):
    """Reads and writes whole data volumes of one instance as tar streams. Its services should not run meanwhile, except for ``copy``."""

    def create(self, volume: str) -> None:
        """Create an empty volume, as ``Up`` would. One that exists stays as it is.

        Args:
            volume: Its short name, as in ``Stack.volumes``.

        Raises:
            NotFound: No service of the stack has such a volume.
            IdentityMismatch: Something foreign has its name.
            PreflightFailed: The runtime does not answer.
        """

    def free(self, volume: str) -> int:
        """Return how many bytes can still be written where a volume is.

        Args:
            volume: A volume that exists, by its short name.

        Raises:
            NotFound: There is no such volume.
            PreflightFailed: The runtime does not answer.
        """

    def copy(
        self, volumes: Sequence[str], *, hold: Callable[[], AbstractContextManager[object]]
    ) -> AbstractContextManager[VolumeCopy]:
        """Copy volumes of services that run, all as they are at one moment.

        Most of the data is copied first. Then writes are held, and what changed meanwhile is copied: cloned where the file system can.

        Args:
            volumes: Their short names.
            hold: Returns a context; nothing writes to the volumes during it. It is entered once, for as short a time as possible.

        Returns:
            A context with the copy, which is removed at its end.

        Raises:
            NotFound: There is no such volume.
            PreflightFailed: There is no room for the copy (DISK_FULL; nothing was held), or the runtime does not answer.
        """

    def export(self, volume: str, stream: IO[bytes]) -> None:
        """Write everything in a volume, with owners and modes, as one tar archive.

        Args:
            volume: Its short name, as in ``Stack.volumes``.
            stream: Where the archive is written.

        Raises:
            NotFound: There is no such volume.
            IdentityMismatch: It is not this instance's.
            PreflightFailed: The runtime does not answer.
        """

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        """Replace everything in a volume with the content of a tar archive.

        Args:
            volume: Its short name, as in ``Stack.volumes``.
            stream: The archive; names in it are relative to the volume's root.

        Raises:
            NotFound: There is no such volume.
            IdentityMismatch: It is not this instance's.
            Locked: Something that runs has the volume mounted.
            PreflightFailed: The runtime does not answer.
        """


class Runtime(Protocol):
    """Runs one instance, which it knows by its name and its owner's path. ``RuntimeProvider.runtime`` makes it.

    Every member may be called from several threads. Every method raises ``PreflightFailed`` if the runtime does not answer
    or refuses a request for a reason of its own; the sections ``Raises`` name the other errors.
    """

    @property
    def advice(self) -> Advice:
        """The runtime's own wording for notes and hints. Needs no connection."""

    @property
    def network(self) -> str:
        """The network that a container of the user joins to use the container view; '' if none can. Needs no connection."""

    def volume_name(self, volume: str) -> str:
        """Tell the full name of a data volume, also of one that does not exist. Needs no connection.

        Args:
            volume: Its short name, as in ``Stack.volumes``.

        Returns:
            The name by which the runtime's own tools know it; the same as in ``Observation.volumes``.
        """

    @property
    def faults(self) -> FaultInjector | None:
        """The fault injector; None if the runtime has none."""

    @property
    def volumes(self) -> VolumeArchive | None:
        """The archive of data volumes; None if the runtime cannot export and import them."""

    def observe(self) -> Observation:
        """Look at everything that exists of this instance. Changes nothing.

        It is called often, also every two seconds while services start, so it should need few requests.

        Returns:
            A subclass of ``Observation`` with what the runtime's own ``plan`` needs; empty if nothing exists.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        """Find the steps from what was observed to what is wanted. Changes nothing, and is the same for the same observation.

        Args:
            intent: What is wanted.
            observation: A result of ``observe``; without one it observes first.

        Returns:
            Steps of this runtime, in an order in which they may be applied one by one; none if nothing has to change.

        Raises:
            IdentityMismatch: The instance belongs to another folder, or something foreign has a name that it needs.
            NotFound: A service to stop, start or restart does not exist.
            PreflightFailed: ``Up`` would have to remove what something foreign uses, or the runtime does not answer.
            TeardownIncomplete: ``Down`` or ``Discard`` would have to remove what something foreign uses.
            NexusError: The observation belongs to another runtime.
        """

    def apply(self, step: Step) -> None:
        """Apply one step of a plan of this runtime. Applying it twice is the same as once. Returns when it is done.

        Args:
            step: The step. Those that it waits for (``Plan.waits_for``) have been applied.

        Raises:
            PortInUse: Something else has a host port that the step publishes.
            ImageUnavailable: The image is not where services run.
            IdentityMismatch: Something foreign has the name of what the step creates.
            InvalidState: A file that a service mounts does not exist.
            NotFound: What the step starts or stops no longer exists.
            TeardownIncomplete: Something foreign uses what the step removes.
            PreflightFailed: The runtime does not answer, or refuses for another reason.
            NexusError: The step belongs to another runtime.
        """

    def now(self) -> float:
        """Read the runtime's clock, which may differ from this machine's.

        Returns:
            Seconds since the epoch. All times of a runtime (``since``, ``at``) are of this clock and only compared with it.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def watch_exits(self, stop: Event) -> Iterator[ServiceExit]:
        """Report services of this instance when they end. Exits are collected from the call on, not from the first ``next``.

        The runtime decides what an exit is: a restart that belongs to a normal start (a container that is restarted until the
        server it needs is there) is none. One-off commands are not reported.

        Args:
            stop: The iterator ends soon after it is set, within a second.

        Returns:
            The exits in their order; ``next`` waits for the next one.

        Raises:
            PreflightFailed: The runtime does not answer, also in the middle of the iteration.
        """

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        """Tell where the services of the stack are reached. Needs no connection.

        Args:
            view: From where: this machine, or a container of the instance.

        Returns:
            (service or alias, container port) → address, for every published port; nothing without a stack. The hosts of
            ``View.HOST`` are written into the certificates of the servers, so they must not change while the instance lives.
        """

    def ca_path(self, view: View) -> str:
        """Tell where the CA's certificate is found. Needs no connection.

        Args:
            view: From where: this machine, or a container that has it mounted.

        Returns:
            An absolute path.
        """

    def client_folder(self, view: View) -> str:
        """Tell where the files are that clients read (trust, connection services). Needs no connection.

        Args:
            view: From where: this machine, or a container that has the folder mounted.

        Returns:
            An absolute path; for a container the one at which it must have the container's own folder mounted.
        """

    def publish_secret(self, name: str, value: str) -> None:
        """Bring a new value of a secret to the servers that mount it. They see it without a restart; returns when they can.

        Args:
            name: The secret, by the name that the compose files give it.
            value: All of its content. The secret store has already written it to its own file.

        Raises:
            InvalidConfig: The stack has no such secret.
            PreflightFailed: The runtime does not answer.
        """

    def publish_file(self, name: str, data: bytes) -> None:
        """Bring new content of a file to the servers that mount it, like ``publish_secret``.

        Args:
            name: Its path in the state folder, such as ``metrics.prom``.
            data: All of its content.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def read_back(self, image: str) -> ReadBack | None:
        """Let a container read a file like the instance's secrets, with the user, the rights and the mount of a service.

        Args:
            image: The image of some services, which is where services run.

        Returns:
            What the container found; None if no service of the stack has this image and a secret, or if the image cannot tell.

        Raises:
            PreflightFailed: The runtime does not answer.
            ImageUnavailable: The image was removed meanwhile.
        """

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Read lines of stdout and stderr, merged by time.

        Args:
            services: Their names; all that exist if empty.
            tail: Only the last lines of each service; None for all.
            since: Only lines from this time on, in seconds since the epoch by the runtime's clock.
            follow: Go on with new lines, also after a restart of the service, until the caller stops reading.

        Returns:
            The lines by their time. A service that has ended still has its lines, until it is removed.

        Raises:
            NotFound: A service does not exist.
            PreflightFailed: The runtime does not answer, also in the middle of the iteration.
        """

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Run a command in a running service and collect its output.

        Args:
            service: The service.
            argv: The command and its arguments. Never a secret: other users can read them.
            stdin: Its input; None for none.
            environment: Variables beside the service's own. Never a secret, for the same reason.
            timeout: In seconds; None for no limit.

        Returns:
            Exit code, stdout and stderr. A command that fails raises nothing.

        Raises:
            NotFound: The service does not run.
            NotReadyInTime: The command did not end within ``timeout``; it may still be running.
            PreflightFailed: The runtime does not answer.
        """

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
        """Run a command in a running service with the caller's streams.

        Args:
            service: The service.
            argv: The command and its arguments. Never a secret.
            stdin: Its input; None for none.
            stdout: Gets its output; with ``tty`` also what it writes to stderr.
            stderr: Gets its errors.
            tty: Give it a terminal of the caller's size; the caller's own terminal becomes raw meanwhile.

        Returns:
            The exit code of the command.

        Raises:
            NotFound: The service does not run.
            PreflightFailed: The runtime does not answer.
            OSError: What a stream of the caller raises, such as BrokenPipeError.
        """

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a container for one command. Signals of this process reach its command; it is removed however it ends.

        Args:
            one_off: The container. It reaches the services by their names.
            stdin: Its input; None for none.
            stdout: Gets its output; with ``tty`` also what it writes to stderr.
            stderr: Gets its errors.
            tty: Give it a terminal, as in ``attach``.

        Returns:
            The exit code of the command; 137 if the container was removed while it ran.

        Raises:
            NotFound: The instance is not up, or the image is not where services run.
            PreflightFailed: The runtime does not answer.
            OSError: What a stream of the caller raises.
        """


class SecretStore(Protocol):
    """The secrets of one instance, by the names that the compose files give them."""

    def read(self, name: str) -> str:
        """Read a secret.

        Args:
            name: The secret.

        Returns:
            The value without a trailing newline; '' for a secret that its component writes later and has not written yet.

        Raises:
            InvalidConfig: The stack has no such secret.
            InvalidState: Its file is missing or cannot be read.
        """

    def write(self, name: str, value: str) -> None:
        """Replace a value, render again what is derived from it, and publish both to the servers (``Runtime.publish_secret``).

        Args:
            name: The secret.
            value: All of its content.

        Raises:
            InvalidConfig: The stack has no such secret.
            PreflightFailed: The runtime does not answer.
        """


class InstanceAccess(Struct, frozen=True, kw_only=True):
    """All that a component sees of the world: where to reach its servers, with which credentials, as which instance.

    Attributes:
        instance: The instance's name.
        nonce: The random text that identifies the instance; every store contains it.
        addresses: (name, container port) → address on the host, for every service and alias that publishes the port.
        secrets: The secrets of the instance.
        ca_file: The certificate of the instance's CA, on the host.
        client_certificate: nexusdev's own certificate.
        client_key: Its key.
        runtime: The runtime of the instance.
        topology: The servers, from the compose files.
        client_folder: The files that clients on the host read: trust, connection services.
        project: The project folder.
        memo: Keeps objects that are made once for this access, such as TLS contexts.
        sessions: Opens connections to the servers, or keeps them for the next operation.
        observed: Returns one observation for all components that are probed together; None to observe each time.
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
    sessions: Sessions = field(default_factory=Sessions)
    observed: Callable[[], Observation] | None = None

    def observe(self) -> Observation:
        """Return what exists of the instance.

        Raises:
            PreflightFailed: The runtime does not answer.
        """
        return self.observed() if self.observed else self.runtime.observe()

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
