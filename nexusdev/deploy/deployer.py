"""The walk over a plan, and what follows each component's start at once: wait until it is ready, seed it, prove it.

Nothing waits that need not: while the last containers start, the first component may be seeded already. The thread that calls
watches for crashes, for the deadline and for Ctrl-C; each component has a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from nexusdev.components.contract import Component
from nexusdev.components.diagnosis import diagnose
from nexusdev.deploy.executor import TICK, PlanExecutor
from nexusdev.deploy.exit_monitor import ExitMonitor, crash, last_lines
from nexusdev.deploy.readiness_loop import TimeIsUp, late
from nexusdev.deploy.request import DeployRequest, DeployResult
from nexusdev.deploy.rollout import ComponentRollout
from nexusdev.deploy.timing import Stopwatch
from nexusdev.events import Listener, PhaseBegan, PhaseEnded, Planned, StepDone
from nexusdev.interfaces import ContainerExit, Runtime
from nexusdev.plan.steps import Action, Plan, Step
from nexusdev.util.clock import Clock

_LOOK_AT_CONTAINERS = 2.0
# A server that ends mostly waits; one that starts works.
_ENDING_AT_ONCE = 12
_LATE_BY = 3.0
_KINDS = ("create network", "create volume", "create", "start", "stop", "remove", "remove network")
_ENDING = frozenset({Action.STOP, Action.REMOVE})


class Deployer(Struct, kw_only=True):
    """Carries out plans on one runtime."""

    runtime: Runtime
    clock: Clock
    listener: Listener
    watch: Stopwatch
    parallel: int = 4
    _freed: str = ""  # the step that ended last: the next one has its place

    def execute(self, plan: Plan, *, component_of: Mapping[str, str] | None = None) -> None:
        """Do the steps of a plan and nothing else (``stop``, ``down``)."""
        names = component_of or {}
        ending = all(step.action not in (Action.CREATE, Action.START) for step in plan.steps)
        self.listener.tell(Planned(plan=plan))
        parallel = max(self.parallel, _ENDING_AT_ONCE) if ending else self.parallel
        PlanExecutor(plan=plan, do=lambda step: self.do(step, names), parallel=parallel).run()

    def do(self, step: Step, component_of: Mapping[str, str]) -> None:
        """One step, measured and told."""
        kind = "start" if step.action in (Action.START, Action.UNPAUSE) else step.action.value
        needed = (f"{each} {resource}" for resource in (step.resource, *step.after) for each in _KINDS)
        name, began, component = f"{kind} {step.resource}", self.clock.now(), component_of.get(step.resource, "")
        after = tuple(dict.fromkeys((*(each for each in needed if each != name), self._freed, "images", "plan")))
        with self.watch.span(name, kind=kind, component=component, after=after):
            self.runtime.apply(step)
        self._freed = name
        self.listener.tell(StepDone(step=step, seconds=self.clock.now() - began, component=component))

    def deploy(self, request: DeployRequest) -> DeployResult:
        """Carry out the plan of a job and make every component of it ready, seeded and proven.

        Raises CrashedDuringStart, NotReadyInTime, SeedingFailed, IdentityMismatch, Degraded, and what the runtime raises.
        """
        self.listener.tell(Planned(plan=request.plan))
        with ExitMonitor(runtime=self.runtime, services=request.stack.services) as monitor:
            return _Deployment(deployer=self, request=request, monitor=monitor).run()


class _Deployment(Struct, kw_only=True):
    """One run of ``deploy``: the threads of the components and what they have reached."""

    deployer: Deployer
    request: DeployRequest
    monitor: ExitMonitor
    _over: threading.Event = field(default_factory=threading.Event)
    _rollouts: dict[str, ComponentRollout] = field(default_factory=dict)
    _looked: float = 0.0
    _deadline: float = 0.0

    def run(self) -> DeployResult:
        deployer, request = self.deployer, self.request
        self._deadline = deployer.clock.now() + request.seconds - request.waited
        component_of = {name: service.component for name, service in request.stack.services.items()}
        self._rollouts = {each.name: self._rollout(each) for each in request.components}
        self._watch_what_runs()
        try:
            self._phase("start", lambda: self._walk(component_of))
            self._phase("wait", self._await_components)
        finally:
            self._over.set()
        done = self._rollouts.values()
        return DeployResult(
            ready={each.component.name: each.ready_after for each in done},
            changes={each.component.name: each.changes for each in done},
            proofs={each.component.name: each.proofs for each in done},
        )

    def _phase(self, name: str, work: Callable[[], None]) -> None:
        began = self.deployer.clock.now()
        self.deployer.listener.tell(PhaseBegan(phase=name))
        work()
        self.deployer.listener.tell(PhaseEnded(phase=name, seconds=self.deployer.clock.now() - began))

    def _rollout(self, component: Component) -> ComponentRollout:
        own = self.request.stack.of_component(component.name)
        # What only watches a component is none of its business: it starts last, and nobody waits for it.
        services = {each.name for each in own if each.role != "observer"} or {each.name for each in own}
        pending = {step.resource for step in self.request.plan.steps if step.action is Action.START} & services
        rollout = ComponentRollout(
            component=component,
            request=self.request,
            clock=self.deployer.clock,
            listener=self.deployer.listener,
            watch=self.deployer.watch,
            pending=pending,
            over=self._over,
            services=tuple(sorted(services)),
            deadline=lambda: self._deadline,
        )
        rollout.begin_if_started()
        return rollout

    def _watch_what_runs(self) -> None:
        """Containers that run already and are not part of the plan must not end either."""
        touched = {step.resource for step in self.request.plan.steps}
        for name in self.request.stack.services:
            if name not in touched:
                self.monitor.watch(name, starts=False)

    def _walk(self, component_of: Mapping[str, str]) -> None:
        def do(step: Step) -> None:
            if step.action in _ENDING:
                self.monitor.release(step.resource)
            if step.action in (Action.START, Action.UNPAUSE):
                self.monitor.watch(step.resource)
            self.deployer.do(step, component_of)
            if step.action is Action.START and (rollout := self._rollouts.get(component_of.get(step.resource, ""))):
                rollout.started(step.resource)

        PlanExecutor(
            plan=self.request.plan, do=do, parallel=self.deployer.parallel, gate=self.request.gate, check=self._check
        ).run()

    def _await_components(self) -> None:
        for rollout in self._rollouts.values():
            while not rollout.finished.wait(TICK):
                self._check()
        self._check()

    def _check(self) -> None:
        """Raise for the first thing that makes going on senseless."""
        self.request.check()
        if self.request.pending():
            self._deadline = self.deployer.clock.now() + self.request.seconds - self.request.waited
        self._look_at_containers()
        if exited := self.monitor.crashed():
            raise self._crash(exited)
        for rollout in self._rollouts.values():
            if isinstance(rollout.failure, TimeIsUp):
                raise self._late()
            if rollout.failure is not None:
                raise rollout.failure
        if self.deployer.clock.now() > self._deadline + _LATE_BY:
            raise self._late()

    def _look_at_containers(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_AT_CONTAINERS:
            self._looked = now
            self.monitor.inspect(self.deployer.runtime.observe())

    def _crash(self, exited: ContainerExit) -> Exception:
        """The wreck is kept, but not restarted for ever by the engine."""
        runtime, name = self.deployer.runtime, exited.service
        log = last_lines(runtime, name)
        container = runtime.observe().containers.get(name)
        if container:
            runtime.apply(Step(action=Action.STOP, resource=name, reason="it crashed", target=container.id))
        service = self.request.stack.services[name]
        diagnosis = diagnose(self.request.components, service, log)
        return crash(exited, service, container, log, lasted=self.monitor.lasted(exited), diagnosis=diagnosis)

    def _late(self) -> Exception:
        """Give the others a moment to see the deadline too, and tell everything that is missing at once."""
        open_ones = [each for each in self._rollouts.values() if not each.is_done]
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and any(each.failure is None for each in open_ones):
            time.sleep(TICK)
        return late(
            [each.progress for each in open_ones if not each.is_done],
            self.request.seconds,
            self.request.command,
            waited=self.request.waited,
        )
