"""A runtime over an engine in memory that behaves like a Docker engine.

``FakeEngine`` is the engine; several runtimes may share one. Its methods kill, pause, rename … let a test simulate failures and changes
by users.

Plans come from the planner of the Docker runtime (``runtimes/docker/plan``), which is pure.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import IO

from msgspec import Struct, field

from nexusdev.errors import InvalidConfig, NexusError, NotFound
from nexusdev.faults import FaultInjector
from nexusdev.interfaces import (
    Address,
    Advice,
    Completed,
    LogLine,
    OneOff,
    ReadBack,
    ServiceExit,
    View,
    VolumeArchive,
)
from nexusdev.plan import Intent, Observation, Plan, Step
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import addresses
from nexusdev.runtimes.docker.advice import ADVICE
from nexusdev.runtimes.docker.labels import ONE_OFF_ROLE
from nexusdev.runtimes.docker.plan.intents import plan_for
from nexusdev.runtimes.docker.plan.observation import DockerObservation, observation_of, snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.docker.plan.steps import docker_step
from nexusdev.runtimes.memory.apply_steps import MemoryStepApplier
from nexusdev.runtimes.memory.engine import FakeContainer, FakeEngine
from nexusdev.runtimes.memory.faults import MemoryFaults
from nexusdev.runtimes.memory.observe import snapshot
from nexusdev.runtimes.memory.volume_archive import MemoryVolumes
from nexusdev.stack.model import Stack

__all__ = ["FakeEngine", "MemoryRuntime"]

_TICK = 0.01
_KILLED = 137  # 128 + SIGKILL, as an engine reports it


class MemoryRuntime(Struct, frozen=True, kw_only=True):
    """``interfaces.Runtime`` over a FakeEngine, with the arguments of DockerRuntime."""

    project: str
    instance: str
    owner_path: str = "/home/dev/shop"
    state_path: str = ""
    stack: Stack | None = None
    engine: FakeEngine = field(default_factory=FakeEngine)

    @property
    def _applier(self) -> MemoryStepApplier:
        return MemoryStepApplier(
            engine=self.engine,
            project=self.project,
            instance=self.instance,
            owner_path=self.owner_path,
            state_path=self.state_path,
            stack=self.stack,
        )

    @property
    def advice(self) -> Advice:
        return ADVICE

    @property
    def network(self) -> str:
        return f"{self.project}_nexus"

    def volume_name(self, volume: str) -> str:
        return f"{self.project}_{volume}"

    def observe(self) -> DockerObservation:
        return observation_of(snapshot(self.engine, self.project, self.instance, self.stack))

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        return plan_for(intent, snapshot_of(observation or self.observe()), owner_path=self.owner_path)

    def apply(self, step: Step) -> None:
        self._applier.apply_step(docker_step(step))

    @property
    def faults(self) -> FaultInjector:
        return MemoryFaults(project=self.project, instance=self.instance, engine=self.engine)

    @property
    def volumes(self) -> VolumeArchive:
        return MemoryVolumes(project=self.project, instance=self.instance, engine=self.engine)

    def now(self) -> float:
        """Return the time; a second passes with each question, so that whoever waits for a time does not wait forever."""
        return self.engine.tick()

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        return addresses.addresses(self.stack, view) if self.stack else {}

    def ca_path(self, view: View) -> str:
        return addresses.ca_path(self.state_path, view)

    def client_folder(self, view: View) -> str:
        return addresses.client_folder(self.state_path, view)

    def publish_secret(self, name: str, value: str) -> None:
        if self.stack is None or name not in self.stack.secrets:
            raise InvalidConfig(f"no such secret: {name}", why="the loaded compose files do not declare it")
        self.publish_file(name, value.encode())

    def publish_file(self, name: str, data: bytes) -> None:
        with self.engine.lock:
            self.engine.published[self.instance, name] = data

    def watch_exits(self, stop: Event) -> Iterator[ServiceExit]:
        heard = self.engine.listen(self.instance)

        def told() -> Iterator[ServiceExit]:
            while not stop.is_set():
                try:
                    yield heard.get(timeout=_TICK)
                except queue.Empty:
                    continue

        return told()

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Yield log lines. With ``follow`` it ends after the existing lines, because fake containers write nothing by themselves."""
        del follow
        ours = [container for container in self.engine.containers.values() if container.instance == self.instance]
        chosen = {container.service: container for container in ours if container.role != ONE_OFF_ROLE}
        if missing := [name for name in services if name not in chosen]:
            raise NotFound(
                f"{missing[0]} has no container", why="logs exist only for containers", hint="nexusdev status"
            )
        told: list[LogLine] = []
        for name in services or chosen:
            lines = [line for line in chosen[name].output if since is None or line.at >= since]
            told += lines if tail is None else lines[max(0, len(lines) - tail) :]
        return iter(sorted(told, key=lambda line: line.at))

    def _running(self, service: str) -> FakeContainer:
        for container in self.engine.containers.values():
            if (
                container.instance == self.instance
                and container.service == service
                and container.state is State.RUNNING
            ):
                return container
        raise shared_errors.no_container(service)

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        del environment, timeout
        self._running(service)
        self.engine.executed.append((service, tuple(argv), stdin))
        script = self.engine.scripts.get(service)
        return script(tuple(argv), stdin) if script else Completed(exit_code=0)

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
        del tty
        completed = self.execute(service, argv, stdin=stdin.read() if stdin else None)
        stdout.write(completed.stdout)
        stderr.write(completed.stderr)
        return completed.exit_code

    def read_back(self, image: str) -> ReadBack | None:
        self.engine.read_back.append(image)
        if isinstance(self.engine.reads, NexusError):
            raise self.engine.reads
        return self.engine.reads

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a one-off container. Its result comes from ``FakeEngine.scripts``, by the image's name."""
        del tty
        network = self.engine.networks.get(f"{self.project}_nexus")
        if network is None:
            raise NotFound(f"instance {self.instance} does not run", why="it has no network", hint="nexusdev up")
        if one_off.image in self.engine.missing_images:
            raise NotFound(f"there is no image {one_off.image}", hint=f"docker pull {one_off.image}")
        with self.engine.throw_away(one_off, self.instance, self.owner_path, network.id) as container:
            script = self.engine.scripts.get(one_off.image)
            given = stdin.read() if stdin else None
            completed = script(one_off.argv, given) if script else Completed(exit_code=0)
            if container.id not in self.engine.containers:  # removed by force while it ran
                completed = Completed(exit_code=_KILLED)
        stdout.write(completed.stdout)
        stderr.write(completed.stderr)
        return completed.exit_code
