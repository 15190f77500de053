"""wait: waits until a component or server is ready, writable, down, or in a state that it declares (Vault: unsealed).

It needs no lock, and continues during a ``restart`` or an ``up`` of another process: a requested stop is not a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from nexusdev.components.contract import Component, Readiness, ServiceStatus
from nexusdev.components.diagnosis import diagnose
from nexusdev.context import Context
from nexusdev.deploy.exit_monitor import ExitMonitor, crash, last_lines
from nexusdev.deploy.readiness_loop import LONGEST, pause_after
from nexusdev.deploy.targets import unknown
from nexusdev.errors import NotFound, NotReadyInTime, UsageError
from nexusdev.events import ComponentWaits
from nexusdev.instance.instance import Instance
from nexusdev.instance.state import lock_file
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Observation
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.util.humanize import join_names
from nexusdev.util.lock import holders


class ProbedState(Struct, frozen=True, kw_only=True):
    """The result of one probe.

    Attributes:
        service: The target service; '' if the target is the whole component.
    """

    component: str
    service: str
    readiness: Readiness
    statuses: Sequence[ServiceStatus]
    observation: Observation

    @property
    def own_statuses(self) -> list[ServiceStatus]:
        """The statuses of the target's nodes."""
        return [status for status in self.statuses if not self.service or status.service == self.service]

    @property
    def running(self) -> list[str]:
        """The running services of the target."""
        return [
            each.service
            for each in self.observation.services.values()
            if each.component == self.component and each.runs and self.service in ("", each.service)
        ]


def ready(state: ProbedState) -> str:
    """Return what is missing until the target is ready; '' if it is."""
    if not state.service:
        return state.readiness.missing
    if not state.running:
        return f"{state.service} is not running"
    bad = [f"{status.service} is {status.state}" for status in state.own_statuses if not status.ok]
    return ", ".join(bad) or ("" if state.own_statuses else f"{state.service} does not answer")


def writable(state: ProbedState) -> str:
    """Return what is missing until the target accepts writes; '' if it does. It need not be complete."""
    if state.readiness.ready or state.readiness.seedable:
        return ""
    return state.readiness.missing


def down(state: ProbedState) -> str:
    """Return what still runs; '' if nothing does."""
    return f"{', '.join(state.running)} still {'runs' if len(state.running) == 1 else 'run'}" if state.running else ""


CONDITIONS: dict[str, Callable[[ProbedState], str]] = {
    "ready": ready,
    "writable": writable,
    "down": down,
}


class WaitResult(Result, frozen=True, kw_only=True):
    """The target fulfils the condition.

    Attributes:
        seconds: Time until the condition held, in seconds.
    """

    target: str
    condition: str
    seconds: float


def wait(context: Context, target: str, condition: str = "ready") -> WaitResult:
    """Wait until a condition holds.

    Args:
        context: The context of the command.
        target: A component or a service.
        condition: ``ready``, ``writable``, ``down`` or a condition that the component declares.

    Raises:
        NotReadyInTime: The condition does not hold within the timeout (exit 11).
        PreflightFailed: It does not, and this machine's clock differs from the runtime's (CLOCK_SKEW, exit 5).
        CrashedDuringStart: A service exited (exit 10).
        UsageError: The target or the condition is unknown (exit 2).
        NotFound: The instance does not exist, and no command is creating it (exit 3).
    """
    titles = () if condition in CONDITIONS else _declaring(context, condition, target)
    began = context.clock.now()
    instance = _made(context)
    stack = context.stack(instance)
    name, service = _target(target, condition, stack)
    component = context.components[name]
    missing = CONDITIONS.get(condition) or _own_condition(component, condition, target, titles)
    runtime = context.runtime(stack)
    access = instance.access(runtime, stack)
    services = {
        name: each
        for name, each in stack.services.items()
        if service in (name, "") and each.component == component.name
    }
    with ExitMonitor(runtime=runtime, services=services, forgiving=True) as monitor:
        for name in services if condition != "down" else ():
            monitor.watch(name, starts=False)
        probe = _Probe(context=context, component=component, service=service, access=access)
        _until(context, probe, missing, monitor, f"{target} is not {condition}", began=began)
    took = context.clock.now() - began
    return WaitResult(instance=instance.name, target=target, condition=condition, seconds=took)


def _declaring(context: Context, condition: str, target: str) -> tuple[str, ...]:
    """Return the titles of the components that declare this condition. Raises UsageError (2) if there is none."""
    components = context.components.values()
    titles = tuple(each.title for each in components if condition in each.conditions)
    if not titles:
        known = (*CONDITIONS, *(name for each in components for name in each.conditions))
        raise unknown(condition, known, kind="condition", hint=f"nexusdev wait {target} --for {{}}")
    return titles


def _own_condition(
    component: Component, condition: str, target: str, titles: Sequence[str]
) -> Callable[[ProbedState], str]:
    """Return the condition that this component declares. Raises UsageError (2) if only the components in ``titles`` do."""
    if condition not in component.conditions:
        raise UsageError(
            f"only {join_names(titles)} can be {condition}, not {target}", hint=f"nexusdev wait {target} --for ready"
        )
    missing = component.conditions[condition]
    return lambda state: missing(state.own_statuses)


class _Probe(Struct, kw_only=True):
    context: Context
    component: Component
    service: str
    access: InstanceAccess

    def __call__(self) -> ProbedState:
        observation = self.access.runtime.observe()
        facts = self.component.probe(self.access, test_writes=True)
        return ProbedState(
            component=self.component.name,
            service=self.service,
            readiness=self.component.assess(facts),
            statuses=self.component.statuses(facts),
            observation=observation,
        )


def _made(context: Context) -> Instance:
    """Return the instance. If another command is creating it, wait for that."""
    until = context.clock.now() + context.settings.timeout
    lock = lock_file(context.root, context.identity.name)
    while context.clock.now() < until and holders(lock):
        with suppress(NotFound):
            instance = context.instance()
            if instance.is_provided:
                return instance
        context.clock.sleep(LONGEST)
    return context.instance()


def _until(
    context: Context,
    probe: _Probe,
    missing: Callable[[ProbedState], str],
    monitor: ExitMonitor,
    sentence: str,
    *,
    began: float,
) -> None:
    told = ""
    while True:
        at = context.clock.now()
        state = probe()
        lacking = missing(state)
        if not lacking:
            return
        if exited := monitor.crashed():
            service = monitor.services[exited.service]
            log = last_lines(monitor.runtime, service.name)
            raise crash(
                exited,
                service,
                state.observation.services.get(service.name),
                log,
                diagnosis=diagnose([probe.component], service, log),
                ended_by=monitor.runtime.advice.ended_by,
            )
        if lacking != told:
            elapsed = context.clock.now() - began
            context.listener.tell(ComponentWaits(component=state.component, missing=lacking, elapsed=elapsed))
            told = lacking
        if context.clock.now() - began >= context.settings.timeout:
            if missing is not down:
                context.provider.require_clock()  # with a wrong clock no certificate is valid
            raise NotReadyInTime(
                f"{sentence} after {context.settings.timeout:.0f} s",
                why=lacking,
                hint="nexusdev status   show every service",
            )
        context.clock.sleep(pause_after(context.clock.now() - at))


def _target(target: str, condition: str, stack: Stack) -> tuple[str, str]:
    """Return the component and the service of a target."""
    if target in stack.components:
        return target, ""
    if target in stack.services:
        return stack.services[target].component, target
    known = (*stack.components, *stack.services)
    raise unknown(target, known, kind="component or service", hint=f"nexusdev wait {{}} --for {condition}")
