"""Failures of services of an engine in memory."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from nexusdev.faults import Fault
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.injection import inject_each
from nexusdev.runtimes.memory.engine import ALIVE, FakeContainer, FakeEngine

_KILLED = 137


class MemoryFaults(Struct, frozen=True, kw_only=True):
    """``faults.FaultInjector`` over a FakeEngine."""

    project: str
    instance: str
    engine: FakeEngine

    def supports(self, fault: Fault) -> bool:
        return fault in Fault

    def inject(self, fault: Fault, *services: str) -> None:
        inject_each(services, partial(self._inject, fault))

    def _inject(self, fault: Fault, service: str) -> None:
        with self.engine.lock:
            container = self._alive(service)
            match fault:
                case Fault.KILL | Fault.CRASH:
                    self.engine.end(container.name, exit_code=_KILLED)
                case Fault.PAUSE:
                    container.state = State.PAUSED
                case Fault.RESUME:
                    container.state = State.RUNNING
                case Fault.PARTITION:
                    self._owner_of_network(container).network_id = ""
                case Fault.HEAL:
                    self._heal(self._owner_of_network(container))

    def _alive(self, service: str) -> FakeContainer:
        for container in self.engine.containers.values():
            if (container.instance, container.service) == (self.instance, service) and container.state in ALIVE:
                return container
        raise shared_errors.no_container(service)

    def _owner_of_network(self, container: FakeContainer) -> FakeContainer:
        if owner := self.engine.containers.get(container.namespace_of):
            raise shared_errors.shares_network(container.service, owner.service)
        return container

    def _heal(self, container: FakeContainer) -> None:
        for network in self.engine.networks.values():
            if network.instance == self.instance:
                container.network_id = network.id
