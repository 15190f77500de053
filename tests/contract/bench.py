"""The bench of the contract suite: a small stack in the runtime under test, and what happens to it from outside.

A runtime has a subclass of ``Bench`` in its own folder. Nothing here knows a runtime.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from nexusdev.interfaces import Completed, Runtime
from nexusdev.plan import Down, Intent, Observation, Plan, Up
from nexusdev.runtimes.provider import RuntimeProvider
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import FileMount, Network, Port, Secret, SecretRecipe, Service, Stack, VolumeMount

OWNER = "/home/dev/shop"
STATE = "/home/dev/.local/state/nexusdev/instances/shop"
SLEEPER = ("/bin/sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 1000 & wait")


def small_stack(project: str, *, image: str, port: int, net: str = "10.213.0") -> Stack:
    """A server with a port and a volume, its sidecar, and a second server. All of them write ``ready`` and wait.

    Kubernetes can run it too: it can be rendered.
    """
    first = Service(
        name="store-0",
        image=image,
        component="store",
        group="store-0",
        entrypoint=SLEEPER,
        user="12345:12345",
        address=f"{net}.10",
        aliases=("store-primary",),
        ports=(Port(host=port, container=8080),),
        volumes=(VolumeMount(volume="store-0", target="/nexus-data"),),
        tmpfs={"/tmp": "size=1m,mode=1777"},
        read_only=True,
        restart="unless-stopped",
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        memory_bytes=64 * 1024**2,
        pids=50,
        stop_signal="SIGTERM",
        stop_grace=2,
    )
    # A group of its own: the pods of one group are equal, and only the first server has a port, a volume and a sidecar.
    second = replace(first, name="store-1", group="store-1", address=f"{net}.11", aliases=(), ports=(), volumes=())
    sidecar = replace(
        second,
        name="relay-0",
        group="relay",
        role="sidecar",
        shares="store-0",
        address="",
        component="relay",
    )
    services = {service.name: service for service in (first, sidecar, second)}
    return Stack(
        project=project, network=Network(name="nexus", subnet=f"{net}.0/24"), services=services, volumes=("store-0",)
    )


def with_secret(stack: Stack, service: str, file: Path) -> Stack:
    """The stack with a secret ``word``, which a service mounts and reads while it runs."""
    secret = Secret(name="word", file=file, recipe=SecretRecipe(runtime=True))
    mount = FileMount(kind="secret", name="word", source=file, target="/run/secrets/word")
    reader = replace(stack.services[service], files=(mount,))
    return replace(stack, services={**stack.services, service: reader}, secrets={"word": secret})


@dataclass(kw_only=True)
class Bench(ABC):
    """A runtime under test, and what users and programs do beside it.

    Attributes:
        provider: The provider under test.
        stack: What the instance consists of.
        instance: Its name.
        runs_commands: False if a command tells what ``answers`` was given, as in a runtime in memory.
    """

    provider: RuntimeProvider
    stack: Stack
    instance: str
    runs_commands: ClassVar[bool] = True

    def runtime(self, stack: Stack | None = None, *, owner: str = OWNER, instance: str = "") -> Runtime:
        """A runtime of the provider, by default with the bench's own stack and instance."""
        return self.provider.runtime(
            instance or self.instance, owner=Path(owner), state_path=STATE, stack=stack or self.stack
        )

    @abstractmethod
    def fail(self, service: str) -> None:
        """A running service ends by itself, with an error."""

    @abstractmethod
    def lose(self, service: str) -> None:
        """A user removes what a service runs in."""

    @abstractmethod
    def lose_volume(self, volume: str) -> None:
        """A user removes a volume that nothing uses."""

    @abstractmethod
    def take_port(self, port: int) -> str:
        """Something foreign takes a host port. Returns the name by which a user knows it."""

    @abstractmethod
    def mount_elsewhere(self, volume: str) -> None:
        """Something foreign runs and mounts a volume of the instance."""

    @abstractmethod
    def add_foreign_volume(self, volume: str) -> None:
        """Something foreign has a volume where the instance would have this one."""

    @abstractmethod
    def release(self) -> None:
        """Everything foreign goes."""

    @abstractmethod
    def one_off_image(self, completed: Completed) -> str:
        """An image that one-offs can use. Without real commands, a one-off tells its input and then this."""

    @abstractmethod
    def say(self, service: str, text: str) -> None:
        """A running service writes a line to its output."""

    @abstractmethod
    def answers(self, service: str, completed: Completed) -> None:
        """Without real commands, a command in this service tells its input and then this."""

    @abstractmethod
    def lacks(self, image: str) -> None:
        """The runtime does not have this image."""

    @abstractmethod
    def hold(self, image: str) -> None:
        """The image store of the provider has this image, as after a build."""

    @abstractmethod
    def file_in(self, service: str, path: str) -> bytes:
        """What a running service reads in a file."""

    def ask(self, intent: Intent, stack: Stack | None = None) -> Plan:
        """Plan an intent and apply the plan. Returns the plan."""
        runtime = self.runtime(stack)
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

    def close(self) -> None:
        """Leave nothing."""
        self.release()
        self.ask(Down(volumes=True))


@contextlib.contextmanager
def closing(bench: Bench) -> Iterator[Bench]:
    try:
        yield bench
    finally:
        bench.close()
