"""Holds all writes of a running stack: its services are paused, so that the data volumes can be copied as they are at one moment.

Paused processes keep their memory and their connections: clients wait, and nothing fails over, because who watches is paused as well.
The gateway is paused first and resumed last: its checks would take paused servers for dead ones. Sentinels and other watchers come before
what they watch: the order is that of the stack, reversed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from nexusdev.errors import NotFound
from nexusdev.faults import Fault, FaultInjector
from nexusdev.plan import Observation, Phase
from nexusdev.stack.model import Stack


def held_services(stack: Stack, observation: Observation) -> tuple[str, ...]:
    """Return the running services to pause, in order: those with role names and no data, then those with data, watchers first. Pure."""
    running = [name for name in stack.services if (found := observation.services.get(name)) and found.runs]
    entrances = [name for name in running if stack.services[name].aliases and not stack.services[name].volumes]
    keeping = [name for name in running if stack.services[name].volumes]
    return (*entrances, *reversed(keeping))


class Hold:
    """Pauses services for a block. ``seconds`` is how long writes were held, from the first pause to the last resumption."""

    def __init__(self, faults: FaultInjector, services: Sequence[str], *, now: Callable[[], float]) -> None:
        self._faults = faults
        self._services = services
        self._now = now
        self.seconds = 0.0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        began = self._now()
        try:
            self._inject(Fault.PAUSE, self._services)
            yield
        finally:
            self._inject(Fault.RESUME, tuple(reversed(self._services)))
            self.seconds = self._now() - began

    def _inject(self, fault: Fault, services: Sequence[str]) -> None:
        with contextlib.suppress(NotFound):  # what has ended meanwhile writes nothing
            self._faults.inject(fault, *services)


def resume(faults: FaultInjector, observation: Observation) -> tuple[str, ...]:
    """Resume services that a killed command left paused. Returns their names."""
    paused = tuple(name for name, each in observation.services.items() if each.phase is Phase.SUSPENDED)
    if paused:
        faults.inject(Fault.RESUME, *reversed(paused))
    return paused
