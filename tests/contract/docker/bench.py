"""Benches of the runtimes that plan over a Docker engine's snapshot: a real engine, and the one in memory that imitates it."""

from __future__ import annotations

import contextlib
import random
import socket
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from nexusdev.interfaces import Completed
from nexusdev.plan import Down, Plan, Up
from nexusdev.runtimes.docker.connection import engine
from nexusdev.runtimes.docker.observe import subnet_of
from nexusdev.runtimes.docker.plan.observation import observation_of, snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import Snapshot
from nexusdev.runtimes.docker.provider import DockerProvider
from nexusdev.runtimes.image_store import ImageStore, StoredImage
from nexusdev.runtimes.memory.engine import FakeEngine, FakeNetwork, FakeVolume
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.memory.provider import MemoryProvider
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Stack
from tests.contract.bench import OWNER, SLEEPER, Bench, small_stack
from tests.engine_needed import require_image

Script = Callable[[tuple[str, ...], bytes | None], Completed]


def free_port() -> int:
    """A host port below the range of outgoing sockets that nobody has just now. Another process that asks as well gets another one."""
    for port in random.sample(range(31900, 32700), 800):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


@dataclass(kw_only=True)
class EngineBench(Bench):
    """A bench with containers, networks and volumes, and a snapshot of them.

    Attributes:
        owner: The folder for which ``plan`` plans.
        strangers: Ids of foreign containers.
        foreign_volumes: The full names of foreign volumes.
        foreign_networks: The names of foreign networks.
    """

    owner: str = OWNER
    strangers: list[str] = field(default_factory=list)
    foreign_volumes: list[str] = field(default_factory=list)
    foreign_networks: list[str] = field(default_factory=list)

    @property
    def project(self) -> str:
        """The Compose project: the beginning of the names of containers, networks and volumes."""
        return f"nexusdev-{self.instance}"

    @project.setter
    def project(self, name: str) -> None:
        self.instance = name.removeprefix("nexusdev-")

    @abstractmethod
    def hand(self, deed: str, name: str, *arguments: str) -> None:
        """kill, pause, rename, remove, restart, connect (to a network), disconnect; or remove_network, remove_volume by the engine's name."""

    @abstractmethod
    def add_stranger(self, name: str, *, port: int = 0, volume: str = "") -> str:
        """Somebody else's running container, with a volume by the engine's name; returns its image."""

    @abstractmethod
    def add_foreign_network(self) -> str:
        """Somebody else's network with the name of the instance's. Returns the name."""

    @abstractmethod
    def teach(self, script: Script) -> str:
        """The image of throw-away containers. In memory a command does what the script does; an engine runs it."""

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def volume(self, volume: str) -> str:
        """The engine's name of a volume."""
        return f"{self.project}_{volume}"

    def fail(self, service: str) -> None:
        self.hand("kill", self.container(service))

    def lose(self, service: str) -> None:
        self.hand("remove", self.container(service))

    def lose_volume(self, volume: str) -> None:
        self.hand("remove_volume", self.volume(volume))

    def take_port(self, port: int) -> str:
        name = f"{self.project}-holder"
        self.add_stranger(name, port=port)
        return name

    def mount_elsewhere(self, volume: str) -> None:
        self.add_stranger(f"{self.project}-stranger", volume=self.volume(volume))

    def release(self) -> None:
        for name in self.strangers:
            with contextlib.suppress(Exception):
                self.hand("remove", name)
        for name in self.foreign_volumes:
            with contextlib.suppress(Exception):
                self.hand("remove_volume", name)
        for name in self.foreign_networks:
            with contextlib.suppress(Exception):
                self.hand("remove_network", name)

    def hold(self, image: str) -> None:
        """The engine has the image of the stack, or does not look."""

    def one_off_image(self, completed: Completed) -> str:
        return self.teach(lambda _argv, stdin: replace(completed, stdout=(stdin or b"") + completed.stdout))

    def plan(self, stack: Stack | None = None, snapshot: Snapshot | None = None) -> Plan:
        """The plan of ``up``; over another snapshot than the engine's, if one is given."""
        wanted = stack or self.stack
        observation = None if snapshot is None else observation_of(snapshot)
        runtime = self.runtime(wanted, owner=self.owner)
        return runtime.plan(Up(stack=wanted, fingerprints=fingerprints(wanted)), observation)

    def walk(self, towards: Plan, stack: Stack | None = None) -> None:
        runtime = self.runtime(stack)
        for step in towards.steps:
            runtime.apply(step)

    def up(self, stack: Stack | None = None) -> Snapshot:
        self.walk(self.plan(stack), stack)
        return snapshot_of(self.runtime(stack).observe())

    def snapshot(self) -> Snapshot:
        """What the engine has of the instance."""
        return snapshot_of(self.observe())

    def down(self) -> None:
        self.ask(Down(volumes=True))


@dataclass(kw_only=True)
class MemoryBench(EngineBench):
    runs_commands: ClassVar[bool] = False
    engine: FakeEngine

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

    def file_in(self, service: str, path: str) -> bytes:
        """What was published last."""
        del service
        return self.engine.published[self.instance, path.rpartition("/")[2]]

    def add_foreign_volume(self, volume: str) -> None:
        self.engine.volumes[self.volume(volume)] = FakeVolume(name=self.volume(volume))
        self.foreign_volumes.append(self.volume(volume))

    def add_foreign_network(self) -> str:
        name = f"{self.project}_nexus"
        self.engine.networks[name] = FakeNetwork(id="theirs", name=name, subnet="10.248.9.0/24")
        self.foreign_networks.append(name)
        return name

    def teach(self, script: Script) -> str:
        self.engine.scripts["tiny:1"] = script
        return "tiny:1"

    def add_stranger(self, name: str, *, port: int = 0, volume: str = "") -> str:
        self.strangers.append(name)
        return self.engine.add_stranger(name, ports=(port,) if port else (), volumes=(volume,) if volume else ()).image


@dataclass(kw_only=True)
class DockerBench(EngineBench):
    image: str

    def hand(self, deed: str, name: str, *arguments: str) -> None:
        api = engine().api
        deeds: Mapping[str, Callable[[], Any]] = {
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

    def file_in(self, service: str, path: str) -> bytes:
        return self.runtime().execute(service, ["cat", path]).stdout

    def add_foreign_volume(self, volume: str) -> None:
        engine().api.create_volume(self.volume(volume))
        self.foreign_volumes.append(self.volume(volume))

    def add_foreign_network(self) -> str:
        name = f"{self.project}_nexus"
        engine().api.create_network(name)
        self.foreign_networks.append(name)
        return name

    def teach(self, script: Script) -> str:
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


def memory_bench() -> MemoryBench:
    name, engine = "nxt-core-memory", FakeEngine()
    stack = _ending_for_good(small_stack(f"nexusdev-{name}", image="tiny:1", port=21001, net="10.250.1"))
    return MemoryBench(instance=name, stack=stack, engine=engine, provider=MemoryProvider(engine=engine))


def _ending_for_good(stack: Stack) -> Stack:
    """The stack with what only containers have: an init process, and no restart, so that tests see how a container ended."""
    return replace(
        stack, services={name: replace(each, init=True, restart="no") for name, each in stack.services.items()}
    )


def memory_store() -> ImageStore:
    base = StoredImage(id="sha256:0", tags=("nexusdev/base:1",), user="10001:10001")
    return MemoryImages(images={base.id: base})


def docker_bench() -> DockerBench:
    """On the engine of this environment. Fails the test where there is none, or without the image that it needs."""
    image = require_image("nexusdev/base")
    name = f"nxt-core-{uuid.uuid4().hex[:6]}"
    stack = _ending_for_good(small_stack(f"nexusdev-{name}", image=image, port=free_port(), net=_free_net()))
    return DockerBench(instance=name, image=image, stack=stack, provider=DockerProvider())


def docker_store() -> ImageStore:
    require_image("nexusdev/base")
    return DockerProvider().image_store()


def _free_net() -> str:
    taken = {subnet_of(network).rpartition(".")[0] for network in engine().api.networks()}
    return next(net for number in random.sample(range(100, 250), 150) if (net := f"10.249.{number}") not in taken)
