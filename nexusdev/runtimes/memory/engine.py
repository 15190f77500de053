"""An engine in memory: its containers, networks and volumes, and what users and programs do to them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from nexusdev.errors import NexusError
from nexusdev.interfaces import Completed, LogLine, OneOff, ReadBack, ServiceExit
from nexusdev.runtimes.docker.labels import ONE_OFF_ROLE
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep

ALIVE = (State.RUNNING, State.PAUSED, State.RESTARTING)
_KILLED = 137


class FakeContainer(Struct, kw_only=True):
    """A container. Without an instance it belongs to another owner."""

    id: str
    name: str
    image: str
    service: str = ""
    component: str = ""
    instance: str = ""
    owner_path: str = ""
    state_path: str = ""
    fingerprint: str = ""
    ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    namespace_of: str = ""
    role: str = "server"
    network_id: str = ""
    state: State = State.CREATED
    exit_code: int = 0
    error: str = ""
    out_of_memory: bool = False
    started_at: float = 0.0
    finished_at: float = 0.0
    output: list[LogLine] = field(default_factory=list)


class FakeNetwork(Struct, kw_only=True):
    """A network."""

    id: str
    name: str
    subnet: str
    ip_range: str = ""
    instance: str = ""
    owner_path: str = ""


class FakeVolume(Struct, kw_only=True):
    """A volume. ``name``: its short name in the stack; ``archive``: a tar of its content."""

    name: str
    archive: bytes = b""
    instance: str = ""
    owner_path: str = ""
    state_path: str = ""


class FakeEngine(Struct, kw_only=True):
    """A fake engine. Its clock advances by one second with each event.

    Attributes:
        missing_images: Images that are not available.
        failures: (action, subject) → the exception to raise instead.
        crashes: Service → exit code with which it exits immediately after its start.
        scripts: Service, or image of a one-off container → function that returns the result of a command.
        executed: Every command, in order.
        done: Every step, in order.
        one_offs: Every one-off container that was run.
        published: (instance, name) → the last published content of a secret or file.
        occupied: Host port → the process that uses it.
        free: Bytes that can still be written to volumes.
        reads: What a container finds that reads a secret back, or the error of trying.
        read_back: Every image with which that was tried.
    """

    containers: dict[str, FakeContainer] = field(default_factory=dict)
    networks: dict[str, FakeNetwork] = field(default_factory=dict)
    volumes: dict[str, FakeVolume] = field(default_factory=dict)
    missing_images: set[str] = field(default_factory=set)
    failures: dict[tuple[Action, str], BaseException] = field(default_factory=dict)
    crashes: dict[str, int] = field(default_factory=dict)
    scripts: dict[str, Callable[[tuple[str, ...], bytes | None], Completed]] = field(default_factory=dict)
    executed: list[tuple[str, tuple[str, ...], bytes | None]] = field(default_factory=list)
    done: list[DockerStep] = field(default_factory=list)
    one_offs: list[OneOff] = field(default_factory=list)
    published: dict[tuple[str, str], bytes] = field(default_factory=dict)
    occupied: dict[int, str] = field(default_factory=dict)
    reads: ReadBack | NexusError | None = ReadBack(user="1000:1000", open_files=1_048_576)
    read_back: list[str] = field(default_factory=list)
    now: float = 1_000_000.0
    free: int = 10**9
    clock_skew: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _listeners: list[tuple[str, queue.Queue[ServiceExit]]] = field(default_factory=list)
    _count: int = 0

    def new_id(self) -> str:
        self._count += 1
        return f"{self._count:064x}"

    def tick(self) -> float:
        """Let a second pass, and return the time."""
        self.now += 1.0
        return self.now

    def named(self, name: str) -> FakeContainer | None:
        """Return the container of this name."""
        return next((container for container in self.containers.values() if container.name == name), None)

    def _get(self, name: str) -> FakeContainer:
        container = self.named(name)
        if container is None:
            raise KeyError(f"no container {name} in this world: {[each.name for each in self.containers.values()]}")
        return container

    def add(self, container: FakeContainer) -> FakeContainer:
        self.containers[container.id] = container
        return container

    @contextlib.contextmanager
    def throw_away(self, one_off: OneOff, instance: str, owner_path: str, network_id: str) -> Iterator[FakeContainer]:
        """Yield a one-off container that exists during the block."""
        container = FakeContainer(id=self.new_id(), name=one_off.name, image=one_off.image, instance=instance)
        container.owner_path, container.network_id, container.role = owner_path, network_id, ONE_OFF_ROLE
        self.one_offs.append(one_off)
        with self.lock:
            self.begin(self.add(container))
        try:
            yield container
        finally:
            with self.lock:
                self.containers.pop(container.id, None)

    def begin(self, container: FakeContainer) -> None:
        """Start a container. One in ``crashes`` exits immediately."""
        container.state, container.started_at, container.exit_code, container.error = State.RUNNING, self.tick(), 0, ""
        if container.service in self.crashes:
            self.end(container.name, exit_code=self.crashes[container.service])

    def end(self, name: str, *, exit_code: int = 0, asked: bool = False) -> None:
        """Stop a container. No effect if it has ended already.

        Args:
            name: Name of the container.
            exit_code: Its exit code.
            asked: Whether the stop was requested, and not a crash.
        """
        container = self._get(name)
        if container.state not in ALIVE:
            return
        container.state, container.exit_code, container.finished_at = State.EXITED, exit_code, self.tick()
        for instance, heard in self._listeners:
            if instance == container.instance and container.role != ONE_OFF_ROLE:
                heard.put(
                    ServiceExit(service=container.service, exit_code=exit_code, at=container.finished_at, asked=asked)
                )

    def stop(self, name: str) -> None:
        self.end(name, asked=True)

    def kill(self, name: str) -> None:
        self.end(name, exit_code=_KILLED)

    def pause(self, name: str) -> None:
        self._get(name).state = State.PAUSED

    def loop(self, name: str) -> None:
        """Put the container into a restart loop."""
        self._get(name).state = State.RESTARTING

    def die(self, name: str) -> None:
        """Make the container dead: the engine failed to remove it."""
        self._get(name).state = State.DEAD

    def restart(self, name: str) -> None:
        """Let the engine restart the container after it ended."""
        self.end(name, exit_code=1)
        self.begin(self._get(name))

    def rename(self, name: str, new: str) -> None:
        self._get(name).name = new

    def remove(self, name: str) -> None:
        self.end(name, asked=True)
        del self.containers[self._get(name).id]

    def attached_to(self, network: FakeNetwork, *, but: str | None = None) -> tuple[str, ...]:
        """Return the containers that block the removal of a network. ``but``: ignore those of this instance."""
        cells = (
            container
            for container in self.containers.values()
            if container.network_id == network.id and container.state in ALIVE
        )
        return tuple(container.name for container in cells if but is None or container.instance != but)

    def users_of(self, volume: str, *, but: str | None = None) -> tuple[str, ...]:
        """Return the containers that mount a volume, by its full name. ``but``: ignore those of this instance."""
        cells = (container for container in self.containers.values() if volume in container.volumes)
        return tuple(container.name for container in cells if but is None or container.instance != but)

    def connect(self, name: str, network: str) -> None:
        """Attach a container to a network, both by name."""
        self._get(name).network_id = self.networks[network].id

    def disconnect(self, name: str) -> None:
        self._get(name).network_id = ""

    def say(self, name: str, text: str) -> None:
        """Add a line of output to a container."""
        container = self._get(name)
        container.output.append(LogLine(service=container.service, at=self.tick(), text=text))

    def add_stranger(
        self, name: str, *, image: str = "somebody/else:1", ports: tuple[int, ...] = (), volumes: tuple[str, ...] = ()
    ) -> FakeContainer:
        """Add a running container of another owner. ``volumes``: full names."""
        return self.add(
            FakeContainer(id=self.new_id(), name=name, image=image, ports=ports, volumes=volumes, state=State.RUNNING)
        )

    def holder_of(self, port: int, *, but: FakeContainer) -> str:
        """Return a description of the user of a host port, or ''."""
        for container in self.containers.values():
            if container is not but and port in container.ports and container.state in ALIVE:
                return f"container {container.name} (image {container.image})"
        return self.occupied.get(port, "")

    def listen(self, instance: str) -> queue.Queue[ServiceExit]:
        """Return a queue that receives the exits of an instance's containers from now on."""
        heard: queue.Queue[ServiceExit] = queue.Queue()
        self._listeners.append((instance, heard))
        return heard
