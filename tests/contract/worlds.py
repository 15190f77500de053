"""The same small stack in every runtime, and the hands that make bad days there."""

from __future__ import annotations

import contextlib
import socket
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from nexusdev.interfaces import Completed, Runtime
from nexusdev.plan import Down, Intent, Observation, Plan, Up
from nexusdev.runtimes.docker.connection import engine
from nexusdev.runtimes.docker.plan.observation import observation_of, snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import Snapshot
from nexusdev.runtimes.docker.runtime import DockerRuntime
from nexusdev.runtimes.memory.engine import FakeVolume
from nexusdev.runtimes.memory.runtime import FakeEngine, MemoryRuntime
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Network, Port, Service, Stack, VolumeMount

OWNER = "/home/dev/shop"
STATE = "/home/dev/.local/state/nexusdev/instances/shop"
SLEEPER = ("/bin/sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 1000 & wait")


def free_port() -> int:
    """A host port below the range of outgoing sockets that nobody has just now."""
    for port in range(31900, 32700):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def small_stack(project: str, *, image: str, port: int, net: str) -> Stack:
    """A server with a port and a volume, its sidecar, and a second server."""
    first = Service(
        name="store-0",
        image=image,
        component="store",
        group="store",
        entrypoint=SLEEPER,
        user="12345:12345",
        address=f"{net}.10",
        aliases=("store-primary",),
        ports=(Port(host=port, container=8080),),
        volumes=(VolumeMount(volume="store-0", target="/nexus-data"),),
        tmpfs={"/tmp": "size=1m,mode=1777"},
        read_only=True,
        init=True,
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        memory_bytes=64 * 1024**2,
        pids=50,
        stop_signal="SIGTERM",
        stop_grace=2,
    )
    second = replace(first, name="store-1", ordinal=1, address=f"{net}.11", aliases=(), ports=(), volumes=())
    sidecar = replace(
        second,
        name="relay-0",
        group="relay",
        ordinal=0,
        role="sidecar",
        shares="store-0",
        address="",
        component="relay",
    )
    services = {service.name: service for service in (first, sidecar, second)}
    return Stack(
        project=project, network=Network(name="nexus", subnet=f"{net}.0/24"), services=services, volumes=("store-0",)
    )


@dataclass(kw_only=True)
class Bench(ABC):
    """A runtime under test and what is done to its world by hand. Containers are named by their service."""

    stack: Stack
    project: str
    owner: str = OWNER

    @abstractmethod
    def runtime(self, stack: Stack | None = None, *, owner: str = OWNER) -> Runtime: ...

    @abstractmethod
    def hand(self, deed: str, name: str, *arguments: str) -> None:
        """kill, pause, rename, remove, connect (to a network), disconnect; or remove_network, remove_volume by the engine's name."""

    @abstractmethod
    def add_stranger(self, name: str, *, port: int = 0, volume: str = "") -> str:
        """Somebody else's running container, with a volume by the engine's name; returns its image."""

    @abstractmethod
    def add_foreign_volume(self, name: str) -> None:
        """Somebody else's volume, by the engine's name."""

    @abstractmethod
    def teach(self, script: Callable[[tuple[str, ...], bytes | None], Completed]) -> str:
        """The image of throw-away containers. In memory a command does what the script does; an engine runs it."""

    @abstractmethod
    def say(self, service: str, text: str) -> None:
        """A running service writes a line to its output."""

    @abstractmethod
    def answers(self, service: str, completed: Completed) -> None:
        """What a command in this service tells, in a runtime that runs no commands."""

    @abstractmethod
    def lacks(self, image: str) -> None:
        """Nobody has this image."""

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def fail(self, service: str) -> None:
        """A service ends by itself, with an error."""
        self.hand("kill", self.container(service))

    def lose(self, service: str) -> None:
        """Somebody removes what a service runs in."""
        self.hand("remove", self.container(service))

    def lose_volume(self, volume: str) -> None:
        """Somebody removes a volume that nothing uses."""
        self.hand("remove_volume", f"{self.project}_{volume}")

    def ask(self, intent: Intent, stack: Stack | None = None) -> Plan:
        """Plan what is asked for and do it; the plan that was done."""
        runtime = self.runtime(stack, owner=self.owner)
        plan = runtime.plan(intent)
        for step in plan.steps:
            runtime.apply(step)
        return plan

    def intent(self, stack: Stack | None = None, **more: Any) -> Up:
        """Everything of the stack."""
        wanted = stack or self.stack
        return Up(stack=wanted, fingerprints=fingerprints(wanted), **more)

    def observe(self) -> Observation:
        return self.runtime().observe()

    def plan(self, stack: Stack | None = None, snapshot: Snapshot | None = None) -> Plan:
        wanted = stack or self.stack
        runtime = self.runtime(wanted, owner=self.owner)
        observation = None if snapshot is None else observation_of(snapshot)
        return runtime.plan(Up(stack=wanted, fingerprints=fingerprints(wanted)), observation)

    def walk(self, towards: Plan, stack: Stack | None = None) -> None:
        runtime = self.runtime(stack)
        for step in towards.steps:
            runtime.apply(step)

    def up(self, stack: Stack | None = None) -> Snapshot:
        self.walk(self.plan(stack), stack)
        return snapshot_of(self.runtime(stack).observe())

    def snapshot(self) -> Snapshot:
        """What a Docker engine has of the instance."""
        return snapshot_of(self.runtime().observe())

    def down(self) -> None:
        self.walk(self.runtime().plan(Down(volumes=True)))

    def close(self) -> None:
        self.down()


@dataclass(kw_only=True)
class MemoryBench(Bench):
    engine: FakeEngine = field(default_factory=FakeEngine)

    def runtime(self, stack: Stack | None = None, *, owner: str = OWNER) -> Runtime:
        return MemoryRuntime(
            project=self.project,
            instance=self.project,
            owner_path=owner,
            state_path=STATE,
            stack=stack or self.stack,
            engine=self.engine,
        )

    def hand(self, deed: str, name: str, *arguments: str) -> None:
        if deed == "remove_network":
            del self.engine.networks[name]
        elif deed == "remove_volume":
            del self.engine.volumes[name]
        else:
            getattr(self.engine, deed)(name, *arguments)

    def say(self, service: str, text: str) -> None:
        self.engine.say(self.container(service), text)

    def answers(self, service: str, completed: Completed) -> None:
        self.engine.scripts[service] = lambda _argv, stdin: replace(completed, stdout=(stdin or b"") + completed.stdout)

    def lacks(self, image: str) -> None:
        self.engine.missing_images.add(image)

    def add_foreign_volume(self, name: str) -> None:
        self.engine.volumes[name] = FakeVolume(name=name)

    def teach(self, script: Callable[[tuple[str, ...], bytes | None], Completed]) -> str:
        self.engine.scripts["tiny:1"] = script
        return "tiny:1"

    def add_stranger(self, name: str, *, port: int = 0, volume: str = "") -> str:
        return self.engine.add_stranger(name, ports=(port,) if port else (), volumes=(volume,) if volume else ()).image


@dataclass(kw_only=True)
class DockerBench(Bench):
    image: str
    strangers: list[str] = field(default_factory=list)

    def runtime(self, stack: Stack | None = None, *, owner: str = OWNER) -> Runtime:
        return DockerRuntime(
            self.project, instance=self.project, owner_path=owner, state_path=STATE, stack=stack or self.stack
        )

    def hand(self, deed: str, name: str, *arguments: str) -> None:
        api = engine().api
        deeds: Mapping[str, Any] = {
            "kill": lambda: api.kill(name),
            "pause": lambda: api.pause(name),
            "rename": lambda: api.rename(name, *arguments),
            "remove": lambda: api.remove_container(name, force=True),
            "connect": lambda: api.connect_container_to_network(name, *arguments),
            "disconnect": lambda: api.disconnect_container_from_network(name, f"{self.project}_nexus"),
            "restart": lambda: api.restart(name, timeout=1),
            "remove_network": lambda: api.remove_network(name),
            "remove_volume": lambda: api.remove_volume(name),
        }
        deeds[deed]()

    def say(self, service: str, text: str) -> None:
        assert self.runtime().execute(service, ["sh", "-c", f"echo {text} > /proc/1/fd/1"]).exit_code == 0

    def answers(self, service: str, completed: Completed) -> None:
        """The command itself answers."""

    def lacks(self, image: str) -> None:
        """An image of a name that nobody gave is not there."""

    def add_foreign_volume(self, name: str) -> None:
        engine().api.create_volume(name)

    def teach(self, script: Callable[[tuple[str, ...], bytes | None], Completed]) -> str:
        del script
        return self.image

    def add_stranger(self, name: str, *, port: int = 0, volume: str = "") -> str:
        api = engine().api
        ports = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}} if port else {}
        host = {**ports, "Binds": [f"{volume}:/theirs"] if volume else []}
        body = {"Image": self.image, "Entrypoint": list(SLEEPER), "ExposedPorts": {"80/tcp": {}}, "HostConfig": host}
        made = api.create_container_from_config(body, name=name)["Id"]
        self.strangers.append(made)
        api.start(made)
        return self.image

    def close(self) -> None:
        for container in self.strangers:
            with contextlib.suppress(Exception):
                engine().api.remove_container(container, force=True)
        self.down()


def memory_bench() -> MemoryBench:
    project = "nxt-core-memory"
    return MemoryBench(project=project, stack=small_stack(project, image="tiny:1", port=21001, net="10.250.1"))


def docker_bench(image: str) -> DockerBench:
    project = f"nxt-core-{uuid.uuid4().hex[:6]}"
    net = _free_net()
    return DockerBench(project=project, image=image, stack=small_stack(project, image=image, port=free_port(), net=net))


def _free_net() -> str:
    from nexusdev.runtimes.docker.observe import subnet_of

    taken = {subnet_of(network).rpartition(".")[0] for network in engine().api.networks()}
    return next(net for number in range(100, 250) if (net := f"10.249.{number}") not in taken)


@contextlib.contextmanager
def closing(bench: Bench) -> Iterator[Bench]:
    try:
        yield bench
    finally:
        bench.close()


def state_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(exist_ok=True)
    return folder
