"""A runtime over an engine in memory that behaves like a Docker engine.

``FakeEngine`` is the engine; several runtimes may share one. Its methods named for what people do (kill, pause, rename …) are how a
test brings about a bad day.

It imitates a Docker engine, and so it is planned for by the planner of the Docker runtime (``runtimes/docker/plan``), which is pure.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from msgspec import Struct, field

from nexusdev.errors import NexusError, NotFound
from nexusdev.faults import FaultInjector
from nexusdev.interfaces import (
    Address,
    Advice,
    Completed,
    LogLine,
    OneOff,
    ServiceExit,
    View,
    VolumeArchive,
)
from nexusdev.plan import Intent, Observation, Plan, Step
from nexusdev.runtimes import failures
from nexusdev.runtimes.docker import addresses
from nexusdev.runtimes.docker.advice import ADVICE
from nexusdev.runtimes.docker.labels import ONE_OFF_ROLE
from nexusdev.runtimes.docker.plan.intents import plan_for
from nexusdev.runtimes.docker.plan.observation import DockerObservation, observation_of, snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import NetworkState, Snapshot, State, Volume
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep, docker_step
from nexusdev.runtimes.memory.engine import ALIVE, FakeContainer, FakeEngine, FakeNetwork, FakeVolume, container_of
from nexusdev.runtimes.memory.faults import MemoryFaults
from nexusdev.runtimes.memory.volume_archive import MemoryVolumes
from nexusdev.stack.model import Service, Stack

__all__ = ["FakeEngine", "MemoryRuntime"]

_TICK = 0.01
_KILLED = 137  # 128 + SIGKILL, as an engine reports it


class MemoryRuntime(Struct, frozen=True, kw_only=True):
    """interfaces.Runtime over a World. Takes what DockerRuntime takes."""

    project: str
    instance: str
    owner_path: str = "/home/dev/shop"
    state_path: str = ""
    stack: Stack | None = None
    engine: FakeEngine = field(default_factory=FakeEngine)

    @property
    def advice(self) -> Advice:
        return ADVICE

    def observe(self) -> DockerObservation:
        return observation_of(self._snapshot())

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        return plan_for(intent, snapshot_of(observation or self.observe()), owner_path=self.owner_path)

    def _snapshot(self) -> Snapshot:
        with self.engine.lock:
            ours = [container for container in self.engine.containers.values() if container.instance == self.instance]
            network = next((net for net in self.engine.networks.values() if net.instance == self.instance), None)
            one_offs = [container for container in ours if container.role == ONE_OFF_ROLE]
            ours = [container for container in ours if container.role != ONE_OFF_ROLE]
            claimed = {
                container.service: container for container in ours if container.name == self._name(container.service)
            }
            order = list(self.stack.services) if self.stack else []
            names = sorted(claimed, key=lambda name: (order.index(name) if name in order else len(order), name))
            return Snapshot(
                containers={name: container_of(claimed[name], network) for name in names},
                volumes={
                    store.name: Volume(
                        name=store.name,
                        full_name=full_name,
                        owner_path=store.owner_path,
                        state_path=store.state_path,
                        strangers=self.engine.users_of(full_name, but=self.instance),
                    )
                    for full_name, store in sorted(self.engine.volumes.items())
                    if store.instance == self.instance
                },
                network=None
                if network is None
                else NetworkState(
                    id=network.id,
                    full_name=network.name,
                    subnet=network.subnet,
                    owner_path=network.owner_path,
                    strangers=self.engine.attached_to(network, but=self.instance),
                ),
                orphans=tuple(
                    container_of(container, network)
                    for container in ours
                    if claimed.get(container.service) is not container
                ),
                one_offs=tuple(container_of(container, network) for container in one_offs),
                name_conflicts=self._foreign(),
            )

    def _name(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def _foreign(self) -> dict[str, str]:
        wanted = {self._name(service): service for service in self.stack.services} if self.stack else {}
        return {
            wanted[container.name]: container.image
            for container in self.engine.containers.values()
            if container.instance != self.instance and container.name in wanted
        }

    def apply(self, step: Step) -> None:
        self._apply(docker_step(step))

    def _apply(self, step: DockerStep) -> None:
        with self.engine.lock:
            self.engine.done.append(step)
            if failure := self.engine.failures.get((step.action, step.resource)):
                raise failure
            match step.action:
                case Action.CREATE_NETWORK:
                    self._create_network()
                case Action.CREATE_VOLUME:
                    self._create_volume(step.resource)
                case Action.CREATE:
                    self._create(step)
                case Action.START:
                    self._start(self._container_of(step))
                case Action.UNPAUSE:
                    self._unpause(self._container_of(step))
                case Action.STOP:
                    self.engine.stop(self._container_of(step).name)
                case Action.REMOVE:
                    self._remove(step)
                case Action.REMOVE_NETWORK:
                    self._remove_network(step)
                case Action.REMOVE_VOLUME:
                    self._remove_volume(step)

    def _container_of(self, step: DockerStep) -> FakeContainer:
        container = self._find(step)
        if container is None:
            raise NotFound(f"No such container: {step.target or step.resource}", hint="nexusdev status")
        return container

    def _find(self, step: DockerStep) -> FakeContainer | None:
        wanted = step.target or self._name(step.resource)
        return next(
            (container for container in self.engine.containers.values() if wanted in (container.id, container.name)),
            None,
        )

    def _need_stack(self) -> Stack:
        if self.stack is None:
            raise NexusError("a runtime without a stack cannot create anything")
        return self.stack

    def _create_network(self) -> None:
        network = self._need_stack().network
        name = f"{self.project}_{network.name}"
        existing = self.engine.networks.get(name)
        if existing is not None:
            if existing.instance != self.instance:
                raise failures.not_ours("network", name)
            return
        if others := [
            f"{other.name} ({other.subnet})"
            for other in self.engine.networks.values()
            if other.subnet == network.subnet
        ]:
            raise failures.subnet_taken(network.subnet, others)
        self.engine.networks[name] = FakeNetwork(
            id=self.engine.new_id(),
            name=name,
            subnet=network.subnet,
            instance=self.instance,
            owner_path=self.owner_path,
        )

    def _create_volume(self, name: str) -> None:
        full_name = f"{self.project}_{name}"
        store = self.engine.volumes.setdefault(
            full_name,
            FakeVolume(name=name, instance=self.instance, owner_path=self.owner_path, state_path=self.state_path),
        )
        if store.instance != self.instance:
            raise failures.not_ours("volume", full_name)

    def _create(self, step: DockerStep) -> None:
        service, stack = step.service, self._need_stack()
        if service is None:
            raise NexusError(f"step {step} has no service to create")
        name = self._name(service.name)
        if existing := self.engine.named(name):
            if existing.instance == self.instance and existing.fingerprint == step.fingerprint:
                return
            raise failures.name_taken(name, service.name, existing.image)
        if service.image in self.engine.missing_images:
            raise failures.image_missing(service.name, service.image)
        network = self.engine.networks.get(f"{self.project}_{stack.network.name}")
        self.engine.add(self._new_container(service, name, step.fingerprint, network))

    def _new_container(
        self, service: Service, name: str, fingerprint: str, network: FakeNetwork | None
    ) -> FakeContainer:
        owner = self.engine.named(self._name(service.shares)) if service.shares else None
        if service.shares and owner is None:
            raise NotFound(f"No such container: {self._name(service.shares)}", hint="nexusdev status")
        return FakeContainer(
            id=self.engine.new_id(),
            name=name,
            image=service.image,
            service=service.name,
            component=service.component,
            role=service.role,
            instance=self.instance,
            owner_path=self.owner_path,
            state_path=self.state_path,
            fingerprint=fingerprint,
            ports=tuple(port.host for port in service.ports),
            volumes=tuple(f"{self.project}_{mount.volume}" for mount in service.volumes),
            namespace_of=owner.id if owner else "",
            network_id="" if owner or network is None else network.id,
        )

    def _start(self, container: FakeContainer) -> None:
        if container.state in ALIVE:
            return
        owner = self.engine.containers.get(container.namespace_of)
        if container.namespace_of and (owner is None or owner.state is not State.RUNNING):
            raise failures.refused("cannot join network of a non running container")
        if not container.namespace_of and container.network_id not in [net.id for net in self.engine.networks.values()]:
            raise failures.refused(f"network {container.network_id} not found")
        for port in container.ports:
            if holder := self.engine.holder_of(port, but=container):
                raise failures.port_in_use(container.service, port, holder)
        self.engine.begin(container)

    def _unpause(self, container: FakeContainer) -> None:
        if container.state is State.PAUSED:
            container.state = State.RUNNING

    def _remove(self, step: DockerStep) -> None:
        container = self._find(step)
        if container is not None:
            self.engine.remove(container.name)

    def _remove_network(self, step: DockerStep) -> None:
        wanted = step.target or f"{self.project}_{step.resource}"
        net = next((net for net in self.engine.networks.values() if wanted in (net.id, net.name)), None)
        if net is None:
            return
        if self.engine.attached_to(net):
            raise failures.network_in_use(net.name, self.engine.attached_to(net, but=self.instance))
        del self.engine.networks[net.name]

    def _remove_volume(self, step: DockerStep) -> None:
        full_name = step.target or f"{self.project}_{step.resource}"
        if self.engine.users_of(full_name):
            raise failures.volume_in_use(full_name, self.engine.users_of(full_name, but=self.instance))
        self.engine.volumes.pop(full_name, None)

    @property
    def faults(self) -> FaultInjector:
        return MemoryFaults(project=self.project, instance=self.instance, engine=self.engine)

    @property
    def volumes(self) -> VolumeArchive:
        return MemoryVolumes(project=self.project, instance=self.instance, engine=self.engine)

    def now(self) -> float:
        return self.engine.now

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        return addresses.addresses(self.stack, view) if self.stack else {}

    def ca_path(self, view: View) -> str:
        return addresses.ca_path(self.state_path, view)

    def client_folder(self, view: View) -> str:
        return addresses.client_folder(self.state_path, view)

    def publish_secret(self, name: str, value: str) -> None:
        self.publish_file(name, value.encode())

    def publish_file(self, name: str, data: bytes) -> None:
        with self.engine.lock:
            self.engine.published[self.instance, name] = data

    def watch_exits(self, stop: Any) -> Iterator[ServiceExit]:
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
        """With ``follow`` it ends when nothing is left to tell: nobody speaks on by himself here."""
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
        raise failures.no_container(service)

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

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """What the image does with a command is a script of the world, by the image's name."""
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
