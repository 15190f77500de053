"""Executes a plan, and waits for, seeds and proves each component as soon as its services are started.

Components are independent: the first one may be seeded while the last containers start. The calling thread monitors crashes, the
deadline and Ctrl-C; each component has its own thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Component
from nexusdev.components.diagnosis import diagnose
from nexusdev.deploy.executor import TICK, PlanExecutor
from nexusdev.deploy.exit_monitor import ExitMonitor, crash, last_lines
from nexusdev.deploy.readiness_loop import late
from nexusdev.deploy.request import DeployRequest, DeployResult
from nexusdev.deploy.rollout import ComponentRollout
from nexusdev.deploy.timing import Stopwatch
from nexusdev.errors import PreflightFailed
from nexusdev.events import Listener, Note, PhaseBegan, PhaseEnded, Planned, StepDone
from nexusdev.interfaces import Runtime, ServiceExit
from nexusdev.plan import Halt, ObservedService, Plan, Step
from nexusdev.util.clock import Clock
from nexusdev.util.humanize import join_names

_OBSERVE_EVERY = 2.0
# A stopping server mostly waits; a starting server uses the processor.
_ENDING_AT_ONCE = 12
_LATE_BY = 3.0


class Deployer(Struct, kw_only=True):
    """Executes plans on one runtime.

    Attributes:
        beginning: Called with each step before it.
    """

    runtime: Runtime
    clock: Clock
    listener: Listener
    watch: Stopwatch
    parallel: int = 4
    beginning: Callable[[Step], None] = lambda _: None

    def execute(self, plan: Plan) -> None:
        """Execute the steps of a plan, without waiting for readiness (``stop``, ``down``)."""
        self.announce(plan)
        parallel = max(self.parallel, _ENDING_AT_ONCE) if plan.only_ends else self.parallel
        PlanExecutor(
            plan=plan,
            execute_step=self.execute_step,
            parallel=parallel,
            slow=self.tell_slow,
            settling=self.tell_settling,
        ).run()

    def tell_slow(self, step: Step) -> None:
        """Report that a step is retried."""
        words = f"the runtime is slow: {step.action} {step.resource} got no answer in time and is tried again"
        self.listener.tell(Note(text=words, warning=True))

    def tell_settling(self, seconds: float, running: Sequence[str]) -> None:
        """Report that the command ends when these running steps have ended, after at most this many seconds."""
        self.listener.tell(Note(text=f"waiting up to {seconds:.0f} s for running steps: {join_names(running)}"))

    def announce(self, plan: Plan) -> None:
        """Report the steps of a plan."""
        self.listener.tell(Planned(plan=plan))

    def execute_step(self, step: Step, after: Sequence[Step], *, preceding: Sequence[str] = ()) -> None:
        """Execute one step. Measures and reports it. Called by several threads.

        Args:
            step: The step.
            after: The steps that had to end before it.
            preceding: Names of other spans that ended before it.
        """
        began, name = self.clock.now(), _span_name(step)
        names = dict.fromkeys((*(_span_name(each) for each in after), *preceding))
        names.pop(name, None)  # two steps of a resource may have the same name
        self.beginning(step)
        with self.watch.span(name, kind=_kind(step), component=step.component, after=[*names]):
            self.runtime.apply(step)
        self.listener.tell(StepDone(step=step, seconds=self.clock.now() - began, component=step.component))

    def deploy(self, request: DeployRequest) -> DeployResult:
        """Execute the plan of a request, then wait until every component of it is ready, seeded and proven.

        Args:
            request: The stack, the components, the plan and the time limit.

        Returns:
            Ready times in seconds, seeding changes and proven paths of each component.

        Raises:
            CrashedDuringStart: A service exited.
            NotReadyInTime: A component is not ready at the deadline.
            SeedingFailed: A component cannot be seeded.
            IdentityMismatch, Degraded: An endpoint is not proven.
        """
        self.announce(request.plan)
        with ExitMonitor(runtime=self.runtime, services=request.stack.services) as monitor:
            return _Deployment(deployer=self, request=request, monitor=monitor).run()


def _kind(step: Step) -> str:
    """Return the kind of a step in the timings. Every step that makes a service run is a start."""
    return "start" if step.starts else str(step.action)


def _span_name(step: Step) -> str:
    return f"{_kind(step)} {step.resource}"


class _Deployment(Struct, kw_only=True):
    """One run of ``deploy``: the threads of the components and their results."""

    deployer: Deployer
    request: DeployRequest
    monitor: ExitMonitor
    _over: threading.Event = field(default_factory=threading.Event)
    _rollouts: dict[str, ComponentRollout] = field(default_factory=dict)
    _looked: float = 0.0
    _deadline: float = 0.0
    _executor: PlanExecutor | None = None

    def run(self) -> DeployResult:
        deployer, request = self.deployer, self.request
        self._deadline = deployer.clock.now() + request.left
        self._rollouts = {each.name: self._rollout(each) for each in request.components}
        self._watch_what_runs()
        try:
            self._phase("start", self._execute_plan)
            self._phase("wait", self._await_components)
        except PreflightFailed as error:
            error.evidence = (*error.evidence, *self._account())
            raise
        finally:
            self._over.set()
        done = self._rollouts.values()
        return DeployResult(
            ready={each.component.name: each.ready_after for each in done},
            changes={each.component.name: each.changes for each in done},
            proofs={each.component.name: each.proofs for each in done},
        )

    def _account(self) -> tuple[str, ...]:
        """Return what the plan completed, for the error of a runtime that fails during the plan."""
        finished = self._executor.completed if self._executor else ()
        running = self._executor.incomplete if self._executor else ()
        started = [name for step in finished for name in sorted(step.starts)]
        return (
            f"{len(finished)} of {len(self.request.plan.steps)} steps were finished",
            f"started: {join_names(started) or 'no service'}",
            *(f"running: {step.action} {step.resource}" for step in running),
            *(f"{name}: {each.progress}" for name, each in self._rollouts.items() if not (running or each.is_done)),
        )

    def _phase(self, name: str, work: Callable[[], None]) -> None:
        began = self.deployer.clock.now()
        self.deployer.listener.tell(PhaseBegan(phase=name))
        work()
        self.deployer.listener.tell(PhaseEnded(phase=name, seconds=self.deployer.clock.now() - began))

    def _rollout(self, component: Component) -> ComponentRollout:
        own = self.request.stack.of_component(component.name)
        # An observer (exporter) starts last, and its component is ready without it.
        services = {each.name for each in own if each.role != "observer"} or {each.name for each in own}
        pending = {*self.request.plan.started} & services
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
        """Watch the exits of running services that the plan does not change."""
        touched = {name for step in self.request.plan.steps for name in (step.resource, *step.starts, *step.ends)}
        for name in self.request.stack.services:
            if name not in touched:
                self.monitor.watch(name, starts=False)

    def _execute_plan(self) -> None:
        self._executor = PlanExecutor(
            plan=self.request.plan,
            execute_step=self._deploy_step,
            parallel=self.deployer.parallel,
            gate=self._may_begin,
            check=self._check,
            slow=self.deployer.tell_slow,
            settling=self.deployer.tell_settling,
        )
        self._executor.run()

    def _may_begin(self, step: Step) -> bool:
        """Return whether the image of a step is available and the dependencies of its service are ready."""
        awaited = (self._rollouts.get(each) for name in step.starts for each in self.request.after.get(name, ()))
        return self.request.gate(step) and all(each is None or each.is_done for each in awaited)

    def _deploy_step(self, step: Step, after: Sequence[Step]) -> None:
        """Execute one step, with its services under watch, and tell the rollouts which services it started."""
        for name in step.ends:
            self.monitor.release(name)
        for name in step.starts:
            self.monitor.watch(name)
        self.deployer.execute_step(step, after, preceding=self.request.preceding)
        self.request.completed(step)
        services = self.request.stack.services
        for name in step.starts:
            if name in services and (rollout := self._rollouts.get(services[name].component)):
                rollout.started(name)

    def _await_components(self) -> None:
        for rollout in self._rollouts.values():
            while not rollout.finished.wait(TICK):
                self._check()
        self._check()

    def _check(self) -> None:
        """Raise the first failure that makes the deployment impossible."""
        self.request.check()
        if self.request.pending():
            self._deadline = self.deployer.clock.now() + self.request.left
        self._observe()
        if exited := self.monitor.crashed():
            raise self._crash(exited)
        self._raise_failure()
        if any(rollout.is_late for rollout in self._rollouts.values()):
            raise self._late()
        if self.deployer.clock.now() > self._deadline + _LATE_BY:
            raise self._late()

    def _raise_failure(self) -> None:
        """Raise the failure of a component. A failure has a cause, so it takes precedence over a missed deadline."""
        for rollout in self._rollouts.values():
            if rollout.has_failed and rollout.failure is not None:
                raise rollout.failure

    def _observe(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _OBSERVE_EVERY:
            self._looked = now
            self.monitor.inspect(self.deployer.runtime.observe())

    def _crash(self, exited: ServiceExit) -> Exception:
        """Return the error for an exited service. A failure to stop its container is added as a note."""
        runtime, name = self.deployer.runtime, exited.service
        log = last_lines(runtime, name)
        observed, trouble = self._halt(name)
        service = self.request.stack.services[name]
        error = crash(
            exited,
            service,
            observed,
            log,
            lasted=self.monitor.lasted(exited),
            diagnosis=diagnose(self.request.components, service, log),
            ended_by=runtime.advice.ended_by,
        )
        if trouble is not None:
            note = f"{name} may restart: failed to halt it: {type(trouble).__name__}: {trouble}"
            error.add_note(note)
            error.evidence = (*error.evidence, note)
            error.__cause__ = trouble
        return error

    def _halt(self, name: str) -> tuple[ObservedService | None, Exception | None]:
        """Stop the container of an exited service without removing it, so that the runtime does not restart it.

        Returns:
            The last observation of the service, and the error if the stop failed.
        """
        runtime, observed = self.deployer.runtime, None
        try:
            observation = runtime.observe()
            observed = observation.services.get(name)
            for step in runtime.plan(Halt(service=name), observation).steps:
                runtime.apply(step)
        except Exception as error:
            return observed, error
        return observed, None

    def _late(self) -> Exception:
        """Return one error for all missing components. Waits briefly, so that other components can reach the deadline too.

        Raises:
            BaseException: A component failed during this wait.
        """
        open_ones = [each for each in self._rollouts.values() if not each.is_done]
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and any(each.failure is None for each in open_ones):
            time.sleep(TICK)
        self._raise_failure()
        return late(
            {each.component.name: each.progress for each in open_ones if not each.is_done},
            self.request.seconds,
            self.request.command,
            waited=self.request.waited,
        )
