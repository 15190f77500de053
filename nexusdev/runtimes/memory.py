"""An engine in memory and the runtime over it: what a Docker engine does, without one. Every fake container obeys the same rules.

``World`` is the engine; several runtimes may share one. Its methods named for what people do (kill, pause, rename …) are how a
test brings about a bad day.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from msgspec import Struct, field

from nexusdev.errors import NexusError, NotFound
from nexusdev.plan.snapshot import NetworkState, Snapshot, State, Volume
from nexusdev.plan.steps import Act, Step
from nexusdev.ports import Completed, Death, LogLine, OneOff
from nexusdev.runtimes import failures
from nexusdev.runtimes.labels import ONE_OFF_ROLE
from nexusdev.runtimes.memory_world import ALIVE, Cell, Net, Store, World, container_of
from nexusdev.stack.model import Service, Stack

__all__ = ["MemoryRuntime", "World"]

_TICK = 0.01


class MemoryRuntime(Struct, frozen=True, kw_only=True):
    """ports.Runtime over a World. Takes what DockerRuntime takes."""

    project: str
    instance: str
    owner_path: str = "/home/dev/shop"
    state_path: str = ""
    stack: Stack | None = None
    world: World = field(default_factory=World)

    def observe(self) -> Snapshot:
        with self.world.lock:
            ours = [cell for cell in self.world.cells.values() if cell.instance == self.instance]
            network = next((net for net in self.world.networks.values() if net.instance == self.instance), None)
            one_offs = [cell for cell in ours if cell.role == ONE_OFF_ROLE]
            ours = [cell for cell in ours if cell.role != ONE_OFF_ROLE]
            claimed = {cell.service: cell for cell in ours if cell.name == self._name(cell.service)}
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
                        strangers=self.world.users_of(full_name, but=self.instance),
                    )
                    for full_name, store in sorted(self.world.volumes.items())
                    if store.instance == self.instance
                },
                network=None
                if network is None
                else NetworkState(
                    id=network.id,
                    full_name=network.name,
                    subnet=network.subnet,
                    owner_path=network.owner_path,
                    strangers=self.world.attached_to(network, but=self.instance),
                ),
                strays=tuple(container_of(cell, network) for cell in ours if claimed.get(cell.service) is not cell),
                one_offs=tuple(container_of(cell, network) for cell in one_offs),
                foreign=self._foreign(),
            )

    def _name(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def _foreign(self) -> dict[str, str]:
        wanted = {self._name(service): service for service in self.stack.services} if self.stack else {}
        return {
            wanted[cell.name]: cell.image
            for cell in self.world.cells.values()
            if cell.instance != self.instance and cell.name in wanted
        }

    def apply(self, step: Step) -> None:
        with self.world.lock:
            self.world.done.append(step)
            if failure := self.world.failures.get((step.act, step.subject)):
                raise failure
            match step.act:
                case Act.CREATE_NETWORK:
                    self._create_network()
                case Act.CREATE_VOLUME:
                    self._create_volume(step.subject)
                case Act.CREATE:
                    self._create(step)
                case Act.START:
                    self._start(self._cell(step))
                case Act.UNPAUSE:
                    self._unpause(self._cell(step))
                case Act.STOP:
                    self.world.stop(self._cell(step).name)
                case Act.REMOVE:
                    self._remove(step)
                case Act.REMOVE_NETWORK:
                    self._remove_network(step)
                case Act.REMOVE_VOLUME:
                    self._remove_volume(step)

    def _cell(self, step: Step) -> Cell:
        cell = self._find(step)
        if cell is None:
            raise NotFound(f"No such container: {step.target or step.subject}", hint="nexusdev status")
        return cell

    def _find(self, step: Step) -> Cell | None:
        wanted = step.target or self._name(step.subject)
        return next((cell for cell in self.world.cells.values() if wanted in (cell.id, cell.name)), None)

    def _need_stack(self) -> Stack:
        if self.stack is None:
            raise NexusError("a runtime without a stack cannot create anything")
        return self.stack

    def _create_network(self) -> None:
        network = self._need_stack().network
        name = f"{self.project}_{network.name}"
        there = self.world.networks.get(name)
        if there is not None:
            if there.instance != self.instance:
                raise failures.not_ours("network", name)
            return
        if others := [
            f"{other.name} ({other.subnet})" for other in self.world.networks.values() if other.subnet == network.subnet
        ]:
            raise failures.subnet_taken(network.subnet, others)
        self.world.networks[name] = Net(
            id=self.world.new_id(), name=name, subnet=network.subnet, instance=self.instance, owner_path=self.owner_path
        )

    def _create_volume(self, name: str) -> None:
        full_name = f"{self.project}_{name}"
        store = self.world.volumes.setdefault(
            full_name,
            Store(name=name, instance=self.instance, owner_path=self.owner_path, state_path=self.state_path),
        )
        if store.instance != self.instance:
            raise failures.not_ours("volume", full_name)

    def _create(self, step: Step) -> None:
        service, stack = step.service, self._need_stack()
        if service is None:
            raise NexusError(f"the step {step} says not what to create")
        name = self._name(service.name)
        if there := self.world.named(name):
            if there.instance == self.instance and there.fingerprint == step.fingerprint:
                return
            raise failures.name_taken(name, service.name, there.image)
        if service.image in self.world.missing_images:
            raise failures.image_missing(service.name, service.image)
        network = self.world.networks.get(f"{self.project}_{stack.network.name}")
        self.world.add(self._new_cell(service, name, step.fingerprint, network))

    def _new_cell(self, service: Service, name: str, fingerprint: str, network: Net | None) -> Cell:
        owner = self.world.named(self._name(service.shares)) if service.shares else None
        if service.shares and owner is None:
            raise NotFound(f"No such container: {self._name(service.shares)}", hint="nexusdev status")
        return Cell(
            id=self.world.new_id(),
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

    def _start(self, cell: Cell) -> None:
        if cell.state in ALIVE:
            return
        owner = self.world.cells.get(cell.namespace_of)
        if cell.namespace_of and (owner is None or owner.state is not State.RUNNING):
            raise failures.refused("cannot join network of a non running container")
        if not cell.namespace_of and cell.network_id not in [net.id for net in self.world.networks.values()]:
            raise failures.refused(f"network {cell.network_id} not found")
        for port in cell.ports:
            if holder := self.world.holder_of(port, but=cell):
                raise failures.port_in_use(cell.service, port, holder)
        self.world.begin(cell)

    def _unpause(self, cell: Cell) -> None:
        if cell.state is State.PAUSED:
            cell.state = State.RUNNING

    def _remove(self, step: Step) -> None:
        cell = self._find(step)
        if cell is not None:
            self.world.remove(cell.name)

    def _remove_network(self, step: Step) -> None:
        wanted = step.target or f"{self.project}_{step.subject}"
        net = next((net for net in self.world.networks.values() if wanted in (net.id, net.name)), None)
        if net is None:
            return
        if self.world.attached_to(net):
            raise failures.network_in_use(net.name, self.world.attached_to(net, but=self.instance))
        del self.world.networks[net.name]

    def _remove_volume(self, step: Step) -> None:
        full_name = step.target or f"{self.project}_{step.subject}"
        if self.world.users_of(full_name):
            raise failures.volume_in_use(full_name, self.world.users_of(full_name, but=self.instance))
        self.world.volumes.pop(full_name, None)

    def deaths(self, stop: Any) -> Iterator[Death]:
        heard = self.world.listen(self.instance)

        def told() -> Iterator[Death]:
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
        ours = [cell for cell in self.world.cells.values() if cell.instance == self.instance]
        chosen = {cell.service: cell for cell in ours if cell.role != ONE_OFF_ROLE}
        if missing := [name for name in services if name not in chosen]:
            raise NotFound(
                f"{missing[0]} has no container", why="there are no logs of what does not exist", hint="nexusdev status"
            )
        told: list[LogLine] = []
        for name in services or chosen:
            lines = [line for line in chosen[name].said if since is None or line.at >= since]
            told += lines if tail is None else lines[max(0, len(lines) - tail) :]
        return iter(sorted(told, key=lambda line: line.at))

    def _running(self, service: str) -> Cell:
        for cell in self.world.cells.values():
            if cell.instance == self.instance and cell.service == service and cell.state is State.RUNNING:
                return cell
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
        self.world.executed.append((service, tuple(argv), stdin))
        script = self.world.scripts.get(service)
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
        network = self.world.networks.get(f"{self.project}_nexus")
        if network is None:
            raise NotFound(f"instance {self.instance} does not run", why="it has no network", hint="nexusdev up")
        if one_off.image in self.world.missing_images:
            raise NotFound(f"there is no image {one_off.image}", hint=f"docker pull {one_off.image}")
        with self.world.throw_away(one_off, self.instance, self.owner_path, network.id):
            script = self.world.scripts.get(one_off.image)
            given = stdin.read() if stdin else None
            completed = script(one_off.argv, given) if script else Completed(exit_code=0)
        stdout.write(completed.stdout)
        stderr.write(completed.stderr)
        return completed.exit_code
