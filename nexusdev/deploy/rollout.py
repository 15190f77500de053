"""Handles one component after the start of its last service: waits until it is ready, seeds it, proves it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Component, Proof
from nexusdev.deploy.proof_retry import prove_patiently
from nexusdev.deploy.readiness_loop import Reason, TimeIsUp, Wait, until_ready
from nexusdev.deploy.request import DeployRequest
from nexusdev.deploy.timing import Stopwatch
from nexusdev.events import ComponentWaits, Event, Listener, Proven, Seeded
from nexusdev.interfaces import View
from nexusdev.util.clock import Clock

_PROBING, _SEEDING = "still being probed", "still being seeded"


class Abandoned(Exception):
    """The rollout was cancelled, because another component failed."""


class ComponentRollout(Struct, kw_only=True):
    """Waits for one component in its own thread, then seeds and proves it.

    Attributes:
        pending: The services of the component that are not started yet.
        services: All services of the component.
        over: Set when the rollout is cancelled.
        deadline: Returns the current deadline, by the clock.
    """

    component: Component
    request: DeployRequest
    clock: Clock
    listener: Listener
    watch: Stopwatch
    pending: set[str]
    over: threading.Event
    services: tuple[str, ...]
    deadline: Callable[[], float]
    finished: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    ready_after: float = 0.0
    changes: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    _stretches: list[tuple[float, float, str, str]] = field(default_factory=list)
    _began: bool = False
    _phase: str = "not probed yet"
    _missing: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def started(self, service: str) -> None:
        """Record that a service of the component was started."""
        with self._lock:
            self.pending.discard(service)
        self.begin_if_started()

    def begin_if_started(self) -> None:
        with self._lock:
            if self.pending or self._began:
                return
            self._began = True
        threading.Thread(target=self._run, name=f"rollout-{self.component.name}", daemon=True).start()

    @property
    def is_done(self) -> bool:
        return self.finished.is_set() and self.failure is None

    @property
    def is_late(self) -> bool:
        """Whether it ended at the deadline. Any other failure has its own cause."""
        return isinstance(self.failure, TimeIsUp)

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error that is not the deadline."""
        return self.failure is not None and not self.is_late

    @property
    def progress(self) -> str:
        """What is missing, or the current phase, for the error at the deadline."""
        if isinstance(self.failure, TimeIsUp):
            missing, refusal = self.failure.wait.missing or _SEEDING, self.failure.refusal
            return f"{missing}; seeding failed: {refusal.message}" if refusal else missing
        if self.pending:
            return f"{', '.join(sorted(self.pending))} not started"
        return (self._missing if self._phase == _PROBING else "") or self._phase

    def _tell(self, event: Event) -> None:
        if isinstance(event, ComponentWaits):
            self._missing = event.missing
        self.listener.tell(event)

    def _run(self) -> None:
        try:
            self._roll_out()
        except Abandoned:
            pass
        except BaseException as error:  # passed to the waiting thread
            error.add_note(f"in the rollout of the component: {self.component.name}")
            self.failure = error
        finally:
            if isinstance(self.failure, TimeIsUp):
                self._note(self.failure.wait.reasons)
            self._write_down()
            self.finished.set()

    def _roll_out(self) -> None:
        began, self._phase = self.clock.now(), _PROBING
        wait = self._await()
        self.ready_after = self.clock.now() - began
        self._note(wait.reasons)
        if self.request.seeding:
            self._apply()
            self._prove()

    def _await(self) -> Wait:
        return until_ready(
            self.component,
            self.request.access,
            clock=self.clock,
            deadline=self.deadline,
            tell=self._tell,
            check=self._check,
            seed=self._seed if self.request.seeding else None,
        )

    def _check(self) -> None:
        if self.over.is_set():
            raise Abandoned

    def _note(self, reasons: Sequence[Reason]) -> None:
        """Record a span for each condition that was missing."""
        for number, reason in enumerate(reasons):
            again = any(earlier.missing == reason.missing for earlier in reasons[:number])
            name = f"{self.component.name}: {reason.missing}" + (f" ({number + 1})" if again else "")
            self._span(name, "wait", reason.began, reason.ended)

    def _span(self, name: str, kind: str, began: float, ended: float) -> None:
        self._stretches.append((began, ended, name, kind))

    def _write_down(self) -> None:
        """Add the spans to the stopwatch in order of time. Each comes after all spans that began before it."""
        # A component whose services run already follows the plan alone.
        chain = [*self.request.preceding, *(f"start {name}" for name in self.services)]
        for began, ended, name, kind in sorted(self._stretches):
            self.watch.add(name, kind=kind, began=began, ended=ended, component=self.component.name, after=chain)
            chain.append(name)

    def _seed(self) -> None:
        began, self._phase = self.clock.now(), _SEEDING
        credentials = {each.name: each.credentials(self.request.access) for each in self.request.all_components}
        try:
            self._changed(self.component.seed(self.request.access, credentials), began)
        finally:
            self._phase = _PROBING
        self._span(f"seed {self.component.name}", "seed", began, self.clock.now())

    def _apply(self) -> None:
        """Apply the project's own seed files after the built-in seeding."""
        if not (files := self.request.files.get(self.component.name)):
            return
        began, self._phase = self.clock.now(), "its seed files of the project are still being applied"
        self._changed(self.component.apply(self.request.access, files), began)
        self._span(f"project seed {self.component.name}", "seed", began, self.clock.now())

    def _changed(self, changes: Sequence[object], began: float) -> None:
        words = tuple(str(getattr(change, "what", change)) for change in changes)
        self.changes += words
        elapsed = self.clock.now() - began
        self.listener.tell(Seeded(component=self.component.name, changes=words, elapsed=elapsed))

    def _prove(self) -> None:
        began, self._phase = self.clock.now(), "still being proven"
        own = {each.name: each.value for each in self.component.variables(self.request.access, View.HOST)}
        self.proofs = self._answers({**self.request.common, **own})
        ended = self.clock.now()
        self._span(f"prove {self.component.name}", "prove", began, ended)
        paths = tuple(proof.path for proof in self.proofs)
        self.listener.tell(Proven(component=self.component.name, paths=paths, elapsed=ended - began))

    def _answers(self, values: Mapping[str, str]) -> tuple[Proof, ...]:
        """Return the proofs. They are retried, because a proxy may detect a new server shortly after its probe succeeded."""
        return prove_patiently(
            lambda: tuple(self.component.prove(self.request.access, values)), clock=self.clock, check=self._check
        )
