"""The walk over a plan, and what follows each component's start at once: wait until it is ready, seed it, prove it.

Nothing waits that need not: while the last containers start, the first component may be seeded already. The thread that calls
watches for crashes, for the deadline and for Ctrl-C; each component has a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from nexusdev.attendant import Attendant
from nexusdev.components.contract import Component
from nexusdev.components.diagnosis import diagnose
from nexusdev.crashes import Sentry, crash, last_lines
from nexusdev.events import Listener, PhaseBegan, PhaseEnded, Planned, StepDone
from nexusdev.job import Brought, Job
from nexusdev.plan.steps import Act, Plan, Step
from nexusdev.ports import Clock, Death, Runtime
from nexusdev.timing import Stopwatch
from nexusdev.waiting import TimeIsUp, late
from nexusdev.walk import TICK, Walk

_LOOK_AT_CONTAINERS = 2.0
# A server that ends mostly waits; one that starts works.
_ENDING_AT_ONCE = 12
_LATE_BY = 3.0
_KINDS = ("create network", "create volume", "create", "start", "stop", "remove", "remove network")
_ENDING = frozenset({Act.STOP, Act.REMOVE})


class Engine(Struct, kw_only=True):
    """Carries out plans on one runtime."""

    runtime: Runtime
    clock: Clock
    listener: Listener
    watch: Stopwatch
    parallel: int = 4
    wall: Callable[[], float] = time.time
    _freed: str = ""  # the step that ended last: the next one has its place

    def carry_out(self, plan: Plan, *, component_of: Mapping[str, str] | None = None) -> None:
        """Do the steps of a plan and nothing else (``stop``, ``down``)."""
        names = component_of or {}
        ending = all(step.act not in (Act.CREATE, Act.START) for step in plan.steps)
        self.listener.tell(Planned(plan=plan))
        parallel = max(self.parallel, _ENDING_AT_ONCE) if ending else self.parallel
        Walk(plan=plan, do=lambda step: self.do(step, names), parallel=parallel).run()

    def do(self, step: Step, component_of: Mapping[str, str]) -> None:
        """One step, measured and told."""
        kind = "start" if step.act in (Act.START, Act.UNPAUSE) else step.act.value
        needed = (f"{each} {subject}" for subject in (step.subject, *step.after) for each in _KINDS)
        name, began, component = f"{kind} {step.subject}", self.clock.now(), component_of.get(step.subject, "")
        after = tuple(dict.fromkeys((*(each for each in needed if each != name), self._freed, "images", "plan")))
        with self.watch.span(name, kind=kind, component=component, after=after):
            self.runtime.apply(step)
        self._freed = name
        self.listener.tell(StepDone(step=step, seconds=self.clock.now() - began, component=component))

    def bring_up(self, job: Job) -> Brought:
        """Carry out the plan of a job and make every component of it ready, seeded and proven.

        Raises CrashedDuringStart, NotReadyInTime, SeedingFailed, IdentityMismatch, Degraded, and what the runtime raises.
        """
        self.listener.tell(Planned(plan=job.plan))
        with Sentry(runtime=self.runtime, services=job.stack.services, wall=self.wall) as sentry:
            return _BringUp(engine=self, job=job, sentry=sentry).run()


class _BringUp(Struct, kw_only=True):
    """One run of ``bring_up``: the threads of the components and what they have reached."""

    engine: Engine
    job: Job
    sentry: Sentry
    _over: threading.Event = field(default_factory=threading.Event)
    _attendants: dict[str, Attendant] = field(default_factory=dict)
    _looked: float = 0.0
    _deadline: float = 0.0

    def run(self) -> Brought:
        engine, job = self.engine, self.job
        self._deadline = engine.clock.now() + job.seconds - job.waited
        component_of = {name: service.component for name, service in job.stack.services.items()}
        self._attendants = {each.name: self._attendant(each) for each in job.components}
        self._watch_what_runs()
        try:
            self._phase("start", lambda: self._walk(component_of))
            self._phase("wait", self._await_components)
        finally:
            self._over.set()
        done = self._attendants.values()
        return Brought(
            ready={each.component.name: each.ready_after for each in done},
            changes={each.component.name: each.changes for each in done},
            proofs={each.component.name: each.proofs for each in done},
        )

    def _phase(self, name: str, work: Callable[[], None]) -> None:
        began = self.engine.clock.now()
        self.engine.listener.tell(PhaseBegan(phase=name))
        work()
        self.engine.listener.tell(PhaseEnded(phase=name, seconds=self.engine.clock.now() - began))

    def _attendant(self, component: Component) -> Attendant:
        own = self.job.stack.of_component(component.name)
        # What only watches a component is none of its business: it starts last, and nobody waits for it.
        services = {each.name for each in own if each.role != "observer"} or {each.name for each in own}
        pending = {step.subject for step in self.job.plan.steps if step.act is Act.START} & services
        attendant = Attendant(
            component=component,
            job=self.job,
            clock=self.engine.clock,
            listener=self.engine.listener,
            watch=self.engine.watch,
            pending=pending,
            over=self._over,
            services=tuple(sorted(services)),
            deadline=lambda: self._deadline,
        )
        attendant.begin_if_started()
        return attendant

    def _watch_what_runs(self) -> None:
        """Containers that run already and are not part of the plan must not end either."""
        touched = {step.subject for step in self.job.plan.steps}
        for name in self.job.stack.services:
            if name not in touched:
                self.sentry.watch(name, starts=False)

    def _walk(self, component_of: Mapping[str, str]) -> None:
        def do(step: Step) -> None:
            if step.act in _ENDING:
                self.sentry.release(step.subject)
            if step.act in (Act.START, Act.UNPAUSE):
                self.sentry.watch(step.subject)
            self.engine.do(step, component_of)
            if step.act is Act.START and (attendant := self._attendants.get(component_of.get(step.subject, ""))):
                attendant.started(step.subject)

        Walk(plan=self.job.plan, do=do, parallel=self.engine.parallel, gate=self.job.gate, check=self._check).run()

    def _await_components(self) -> None:
        for attendant in self._attendants.values():
            while not attendant.finished.wait(TICK):
                self._check()
        self._check()

    def _check(self) -> None:
        """Raise for the first thing that makes going on senseless."""
        self.job.check()
        if self.job.held():
            self._deadline = self.engine.clock.now() + self.job.seconds - self.job.waited
        self._look_at_containers()
        if death := self.sentry.crashed():
            raise self._crash(death)
        for attendant in self._attendants.values():
            if isinstance(attendant.failure, TimeIsUp):
                raise self._late()
            if attendant.failure is not None:
                raise attendant.failure
        if self.engine.clock.now() > self._deadline + _LATE_BY:
            raise self._late()

    def _look_at_containers(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_AT_CONTAINERS:
            self._looked = now
            self.sentry.inspect(self.engine.runtime.observe())

    def _crash(self, death: Death) -> Exception:
        """The wreck is kept, but not restarted for ever by the engine."""
        runtime, name = self.engine.runtime, death.service
        log = last_lines(runtime, name)
        container = runtime.observe().containers.get(name)
        if container:
            runtime.apply(Step(act=Act.STOP, subject=name, because="it crashed", target=container.id))
        service = self.job.stack.services[name]
        diagnosis = diagnose(self.job.components, service, log)
        return crash(death, service, container, log, lasted=self.sentry.lasted(death), diagnosis=diagnosis)

    def _late(self) -> Exception:
        """Give the others a moment to see the deadline too, and tell everything that is missing at once."""
        open_ones = [each for each in self._attendants.values() if not each.is_done]
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and any(each.failure is None for each in open_ones):
            time.sleep(TICK)
        return late(
            [each.standing for each in open_ones if not each.is_done],
            self.job.seconds,
            self.job.command,
            waited=self.job.waited,
        )
