"""The walk over a plan, and what follows each component's start at once: wait until it is ready, seed it, prove it.

Nothing waits that need not: while the last containers start, the first component may be seeded already. The thread that calls
watches for crashes, for the deadline and for Ctrl-C; each component has a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nexusdev.components.contract import Component, Proof, Readiness, SeedFile
from nexusdev.errors import Degraded
from nexusdev.events import Listener, PhaseBegan, PhaseEnded, Planned, Proven, Seeded, StepDone
from nexusdev.plan.steps import Act, Plan, Step
from nexusdev.ports import Clock, Death, Runtime, Site, View
from nexusdev.stack.model import Stack
from nexusdev.timing import Stopwatch
from nexusdev.waiting import Reason, Sentry, TimeIsUp, Wait, crash, last_lines, late, until_ready
from nexusdev.walk import TICK, Walk, always, nothing

_LOOK_AT_CONTAINERS = 2.0
_LATE_BY = 3.0
_PROOF_PATIENCE, _PROOF_PAUSE = 10.0, 0.2
_KINDS = ("create network", "create volume", "create", "start", "stop", "remove", "remove network")
_ENDING = frozenset({Act.STOP, Act.REMOVE})


class Abandoned(Exception):
    """The waiting has no sense any more: something else has failed."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What shall be brought up.

    stack     only the services that are meant
    common    variables that belong to no component (NEXUSDEV_CA_FILE …), for the proofs
    files     component → the project's own seed files
    seconds   for everything together
    seeding   seed and prove as well; else only wait until everything is ready
    command   what to type to try again
    gate      whether a step may begin now: whether its image has arrived
    held      whether images are still on their way: so long no time runs
    check     raises when what the gate waits for will never come
    """

    stack: Stack
    plan: Plan
    components: Sequence[Component]
    site: Site
    common: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Sequence[SeedFile]] = field(default_factory=dict)
    seconds: float = 300.0
    seeding: bool = True
    command: str = "up"
    gate: Callable[[Step], bool] = always
    held: Callable[[], bool] = lambda: False
    check: Callable[[], None] = nothing


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What was reached: per component the seconds until it was ready, what seeding changed, which paths were proven."""

    ready: Mapping[str, float]
    changes: Mapping[str, tuple[str, ...]]
    proofs: Mapping[str, tuple[Proof, ...]]


@dataclass(kw_only=True)
class Engine:
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
        self.listener.tell(Planned(plan=plan))
        Walk(plan=plan, do=lambda step: self.do(step, names), parallel=self.parallel).run()

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


@dataclass(kw_only=True)
class _BringUp:
    """One run of ``bring_up``: the threads of the components and what they have reached."""

    engine: Engine
    job: Job
    sentry: Sentry
    _over: threading.Event = field(default_factory=threading.Event)
    _attendants: dict[str, _Attendant] = field(default_factory=dict)
    _looked: float = 0.0
    _deadline: float = 0.0

    def run(self) -> Brought:
        engine, job = self.engine, self.job
        self._deadline = engine.clock.now() + job.seconds
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

    def _attendant(self, component: Component) -> _Attendant:
        services = {service.name for service in self.job.stack.of_component(component.name)}
        pending = {step.subject for step in self.job.plan.steps if step.act is Act.START} & services
        attendant = _Attendant(
            component=component,
            components=self.job.components,
            engine=self.engine,
            job=self.job,
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
        while any(not each.finished.is_set() for each in self._attendants.values()):
            self._check()
            next(each for each in self._attendants.values() if not each.finished.is_set()).finished.wait(TICK)
        self._check()

    def _check(self) -> None:
        """Raise for the first thing that makes going on senseless."""
        self.job.check()
        if self.job.held():
            self._deadline = self.engine.clock.now() + self.job.seconds
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
        return crash(death, self.job.stack.services[name], container, log, lasted=self.sentry.lasted(death))

    def _late(self) -> Exception:
        """Give the others a moment to see the deadline too, and tell everything that is missing at once."""
        open_ones = [each for each in self._attendants.values() if not each.is_done]
        limit = time.monotonic() + 1.0
        while time.monotonic() < limit and any(each.failure is None for each in open_ones):
            time.sleep(TICK)
        return late([each.standing for each in open_ones if not each.is_done], self.job.seconds, self.job.command)


@dataclass(kw_only=True)
class _Attendant:
    """Stands by one component from the start of its last container until it is proven. Runs in a thread of its own."""

    component: Component
    components: Sequence[Component]
    engine: Engine
    job: Job
    pending: set[str]
    over: threading.Event
    services: tuple[str, ...]
    deadline: Callable[[], float]
    finished: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    ready_after: float = 0.0
    changes: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    _standing: Wait | None = None
    _chain: list[str] = field(default_factory=list)
    _began: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, service: str) -> None:
        """One of its containers has been started."""
        with self._lock:
            self.pending.discard(service)
        self.begin_if_started()

    def begin_if_started(self) -> None:
        with self._lock:
            if self.pending or self._began:
                return
            self._began = True
        threading.Thread(target=self._run, name=self.component.name, daemon=True).start()

    @property
    def is_done(self) -> bool:
        return self.finished.is_set() and self.failure is None

    @property
    def standing(self) -> Wait:
        """How far it is, for the error at the deadline."""
        if isinstance(self.failure, TimeIsUp):
            return self.failure.wait
        if self.pending:
            missing = f"{', '.join(sorted(self.pending))} not started"
            return Wait(component=self.component.name, began=0.0).after(Readiness(missing=missing), 0.0)
        return Wait(component=self.component.name, began=0.0)

    def _run(self) -> None:
        try:
            self._attend()
        except Abandoned:
            pass
        except BaseException as error:  # handed over to the thread that waits
            self.failure = error
        finally:
            self.finished.set()

    def _attend(self) -> None:
        self._chain = [f"start {name}" for name in self.services]
        began = self.engine.clock.now()
        wait = until_ready(
            self.component,
            self.job.site,
            clock=self.engine.clock,
            deadline=self.deadline,
            tell=self.engine.listener.tell,
            check=self._check,
            seed=self._seed if self.job.seeding else None,
        )
        self.ready_after = self.engine.clock.now() - began
        self._note(wait.reasons)
        if self.job.seeding:
            self._apply()
            self._prove()

    def _check(self) -> None:
        if self.over.is_set():
            raise Abandoned

    def _note(self, reasons: Sequence[Reason]) -> None:
        """Each thing that was waited for is a span of its own."""
        for number, reason in enumerate(reasons):
            again = any(earlier.missing == reason.missing for earlier in reasons[:number])
            name = f"{self.component.name}: {reason.missing}" + (f" ({number + 1})" if again else "")
            self._span(name, "wait", reason.began, reason.ended)

    def _span(self, name: str, kind: str, began: float, ended: float) -> None:
        self.engine.watch.add(
            name, kind=kind, began=began, ended=ended, component=self.component.name, after=self._chain
        )
        self._chain = [*self._chain, name]

    def _seed(self) -> None:
        began = self.engine.clock.now()
        credentials = {each.name: each.credentials(self.job.site) for each in self.components}
        self._changed(self.component.seed(self.job.site, credentials), began)
        self._span(f"seed {self.component.name}", "seed", began, self.engine.clock.now())

    def _apply(self) -> None:
        """The project's own files, after ours."""
        if not (files := self.job.files.get(self.component.name)):
            return
        began = self.engine.clock.now()
        self._changed(self.component.apply(self.job.site, files), began)
        self._span(f"project seed {self.component.name}", "seed", began, self.engine.clock.now())

    def _changed(self, changes: Sequence[object], began: float) -> None:
        words = tuple(str(getattr(change, "what", change)) for change in changes)
        self.changes += words
        elapsed = self.engine.clock.now() - began
        self.engine.listener.tell(Seeded(component=self.component.name, changes=words, elapsed=elapsed))

    def _prove(self) -> None:
        began = self.engine.clock.now()
        own = {each.name: each.value for each in self.component.variables(self.job.site, View.HOST)}
        self.proofs = self._answers({**self.job.common, **own})
        ended = self.engine.clock.now()
        self._span(f"prove {self.component.name}", "prove", began, ended)
        paths = tuple(proof.path for proof in self.proofs)
        self.engine.listener.tell(Proven(component=self.component.name, paths=paths, elapsed=ended - began))

    def _answers(self, values: Mapping[str, str]) -> tuple[Proof, ...]:
        """The proofs. What does not answer is asked again for a while: a proxy may notice a new server a moment later than we do."""
        until = self.engine.clock.now() + _PROOF_PATIENCE
        while True:
            try:
                return tuple(self.component.prove(self.job.site, values))
            except Degraded:
                if self.engine.clock.now() >= until:
                    raise
            self._check()
            self.engine.clock.sleep(_PROOF_PAUSE)
