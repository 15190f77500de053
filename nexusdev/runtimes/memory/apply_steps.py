"""Executes the steps of a plan on an engine in memory, with the errors of a real one: the fake of ``docker/apply_steps.py``."""

from __future__ import annotations

from msgspec import Struct

from nexusdev.errors import NexusError, NotFound
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.memory.engine import ALIVE, FakeContainer, FakeEngine, FakeNetwork, FakeVolume
from nexusdev.stack.model import Service, Stack


class MemoryStepApplier(Struct, frozen=True, kw_only=True):
    """Executes the steps of one instance."""

    engine: FakeEngine
    project: str
    instance: str
    owner_path: str
    state_path: str
    stack: Stack | None

    def apply_step(self, step: DockerStep) -> None:
        """Execute one step, or raise the exception of ``FakeEngine.failures``."""
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
                raise docker_errors.not_ours("network", name)
            return
        if others := [
            f"{other.name} ({other.subnet})"
            for other in self.engine.networks.values()
            if other.subnet == network.subnet
        ]:
            raise docker_errors.subnet_taken(network.subnet, others)
        self.engine.networks[name] = FakeNetwork(
            id=self.engine.new_id(),
            name=name,
            subnet=network.subnet,
            ip_range=network.ip_range,
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
            raise docker_errors.not_ours("volume", full_name)

    def _create(self, step: DockerStep) -> None:
        service, stack = step.service, self._need_stack()
        if service is None:
            raise NexusError(f"step {step} has no service to create")
        name = self._name(service.name)
        if existing := self.engine.named(name):
            if existing.instance == self.instance and existing.fingerprint == step.fingerprint:
                return
            raise docker_errors.name_taken(name, service.name, existing.image)
        if service.image in self.engine.missing_images:
            raise shared_errors.image_missing(service.name, service.image)
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
            raise docker_errors.refused("cannot join network of a non running container")
        if not container.namespace_of and container.network_id not in [net.id for net in self.engine.networks.values()]:
            raise docker_errors.refused(f"network {container.network_id} not found")
        for port in container.ports:
            if holder := self.engine.holder_of(port, but=container):
                raise shared_errors.port_in_use(container.service, port, holder)
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
            raise docker_errors.network_in_use(net.name, self.engine.attached_to(net, but=self.instance))
        del self.engine.networks[net.name]

    def _remove_volume(self, step: DockerStep) -> None:
        full_name = step.target or f"{self.project}_{step.resource}"
        if self.engine.users_of(full_name):
            raise docker_errors.volume_in_use(full_name, self.engine.users_of(full_name, but=self.instance))
        self.engine.volumes.pop(full_name, None)

    def _name(self, service: str) -> str:
        return f"{self.project}-{service}-1"
