"""Probes all running components in parallel, and makes the rows of ``status`` from facts and observation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.contract import Component, Readiness, ServiceStatus
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Observation, ObservedService, Phase
from nexusdev.stack.model import Service, Stack

T = TypeVar("T")


class ComponentStatus(Struct, frozen=True, kw_only=True):
    """The result of one probe of a component; ``facts`` is None if it was not probed."""

    component: Component
    readiness: Readiness
    facts: Any = None
    statuses: Sequence[ServiceStatus] = ()


class StatusRow(Struct, frozen=True, kw_only=True):
    """One line of ``status``. ``port``: the first host port, 0 for none."""

    component: str
    service: str
    role: str
    state: str
    detail: str
    ok: bool
    port: int = 0


class BackgroundCall(Generic[T]):
    """The result of a call in a daemon thread. A caller that stops waiting does not block on it."""

    def __init__(self, find: Callable[[], T], *, name: str) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(find,), name=name, daemon=True)
        self._thread.start()

    def _run(self, find: Callable[[], T]) -> None:
        try:
            self._value = find()
        except BaseException as error:  # passed to the calling thread
            error.add_note(f"in the background call: {threading.current_thread().name}")
            self._error = error

    def result(self, patience: float | None = None) -> T:
        """Return the result of the call.

        Args:
            patience: Seconds to wait; None for no limit.

        Raises:
            TimeoutError: There is no result in time.
            Exception: Whatever the call raised.
        """
        self._thread.join(patience)
        if self._thread.is_alive():
            raise TimeoutError
        if self._error:
            raise self._error
        return self._value


class ProbeRunner:
    """Probes components in parallel, and observes the runtime at the same time.

    Each probe starts as soon as its component is added, without waiting for the observation, so imports and network waits overlap. The
    result of a component without running services is discarded.
    """

    def __init__(
        self,
        access: InstanceAccess,
        observe: Callable[[], Observation] | None = None,
        *,
        test_writes: bool = False,
    ) -> None:
        """Start the observation.

        Args:
            access: The instance.
            observe: Returns the observation; None for that of the runtime.
            test_writes: See ``Component.probe``; if False nothing is written.
        """
        self._test_writes = test_writes
        self._observed = BackgroundCall(observe or access.runtime.observe, name="observe")
        self._access = replace(access, observed=self._observed.result)
        self._facts: dict[str, BackgroundCall[Any]] = {}
        self.components: dict[str, Component] = {}

    @property
    def observation(self) -> Observation:
        """The existing resources. Waits for the runtime. Raises PreflightFailed."""
        return self._observed.result()

    def begin(self, components: Iterable[Component]) -> ProbeRunner:
        """Start the probes of the components that are not probed yet. Returns this runner."""
        for each in components:
            if each.name not in self.components:
                self.components[each.name] = each
                self._facts[each.name] = BackgroundCall(
                    partial(each.probe, self._access, test_writes=self._test_writes), name=f"probe-{each.name}"
                )
        return self

    def results(self, names: Iterable[str]) -> Mapping[str, ComponentStatus]:
        """Return component → its status. Waits for the probes and raises their exceptions."""
        running = self.observation.running_components
        return {name: self._result(name) if name in running else self._absent(name) for name in names}

    def _result(self, name: str) -> ComponentStatus:
        component, facts = self.components[name], self._facts[name].result()
        return ComponentStatus(
            component=component,
            readiness=component.assess(facts),
            facts=facts,
            statuses=tuple(component.statuses(facts)),
        )

    def _absent(self, name: str) -> ComponentStatus:
        return ComponentStatus(
            component=self.components[name], readiness=Readiness(missing="none of its containers is running")
        )


def rows(stack: Stack, observation: Observation, seen: Mapping[str, ComponentStatus]) -> list[StatusRow]:
    """Return one row per service that a component reports or that does not run, in the order of the stack.

    Args:
        stack: The stack.
        observation: The existing resources.
        seen: Component → its status.
    """
    statuses = {status.service: status for each in seen.values() for status in each.statuses}
    found = []
    for service in stack.services.values():
        observed = observation.services.get(service.name)
        status = statuses.get(service.name)
        if service.component in seen and (status or not _runs(observed)):
            found.append(_row(service, observed, status))
    return found


def _row(service: Service, observed: ObservedService | None, status: ServiceStatus | None) -> StatusRow:
    port = service.ports[0].host if service.ports else 0
    if not _runs(observed):
        state = observed.word if observed else "absent"
        return StatusRow(
            component=service.component,
            service=service.name,
            role="",
            state=state,
            detail=_ending(observed) if observed else ("optional" if service.optional else ""),
            ok=observed is None and service.optional,
            port=port,
        )
    told = status or ServiceStatus(service=service.name)
    return StatusRow(
        component=service.component,
        service=service.name,
        role=told.role,
        state=told.state,
        detail=told.detail,
        ok=told.ok,
        port=port,
    )


def _runs(observed: ObservedService | None) -> bool:
    return observed is not None and observed.runs


def _ending(observed: ObservedService) -> str:
    if observed.exit is None or observed.phase is Phase.PENDING:
        return ""
    if observed.exit.out_of_memory:
        return "ran out of memory"
    return f"exit code {observed.exit.code}" if observed.exit.code else ""
