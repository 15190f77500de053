"""The one readiness loop: look, judge, look again, until a component does its job, a container dies, or the time is up.

There is one deadline for everything and none per part. Nothing here asks Docker whether something is healthy.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from nexusdev.components.contract import Component, Diagnosis, Readiness
from nexusdev.errors import CrashedDuringStart, NexusError, NotReadyInTime, SeedingFailed
from nexusdev.events import ComponentReady, ComponentWaits, Event
from nexusdev.plan.snapshot import Container, Snapshot, State
from nexusdev.ports import Clock, Death, Runtime, Site
from nexusdev.stack.model import Service

SHORTEST, LONGEST = 0.05, 0.1
# How a server that is still starting cuts a conversation short. Not OSError: a disk that is full must be told.
_BUSY = (TimeoutError, ConnectionError, ssl.SSLError)
LOG_LINES = 15
_SEED_PATIENCE = 10.0
_COMPLAINT = re.compile(r"fatal|panic|error|fail|invalid|cannot|can't|denied|refused|corrupt|no space", re.IGNORECASE)
_OUT_OF_MEMORY, _NO_COMMAND, _NOT_EXECUTABLE, _SIGNALLED = 137, 127, 126, 128


class SystemClock:
    """Real time."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Something that was missing, and for how long. Times by the clock."""

    missing: str
    began: float
    ended: float


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How far the waiting for one component is: pure, moved on by each verdict.

    streak   verdicts "ready" in a row
    reasons  what it waited for, one after the other: the last one is still missing unless ``streak``
    """

    component: str
    began: float
    streak: int = 0
    reasons: tuple[Reason, ...] = ()

    def after(self, readiness: Readiness, now: float) -> Wait:
        """The wait once this verdict was spoken."""
        if readiness.ready:
            return replace(self._until(now), streak=self.streak + 1)
        if self.reasons and not self.streak and self.reasons[-1].missing == readiness.missing:
            return self._until(now)
        begun = self._until(now)
        reason = Reason(missing=readiness.missing, began=now, ended=now)
        return replace(begun, streak=0, reasons=(*begun.reasons, reason))

    def _until(self, now: float) -> Wait:
        """The reason that is missing lasts until now."""
        if not self.reasons or self.streak:
            return self
        return replace(self, reasons=(*self.reasons[:-1], replace(self.reasons[-1], ended=now)))

    @property
    def missing(self) -> str:
        """The sentence that still stands."""
        return self.reasons[-1].missing if self.reasons and not self.streak else ""


class TimeIsUp(Exception):
    """The deadline passed while this was still missing; the engine makes one error of all of them."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.missing)
        self.wait = wait


def pause_after(cost: float) -> float:
    """How long to rest after a look that took ``cost`` seconds: at most half of the time is spent looking."""
    return min(max(cost, SHORTEST), LONGEST)


def until_ready(
    component: Component,
    site: Site,
    *,
    clock: Clock,
    deadline: Callable[[], float],
    tell: Callable[[Event], None],
    check: Callable[[], None],
    seed: Callable[[], None] | None = None,
    in_a_row: int = 1,
) -> Wait:
    """Wait until the component is ready, seeding it as soon as it can be seeded.

    deadline  by the clock, asked at each look (it does not run while images are still built); TimeIsUp after it
    check     called between looks; raises when the waiting has no sense any more
    in_a_row  how many looks must agree that it is ready
    """
    wait = Wait(component=component.name, began=clock.now())
    seeding = _Seeding(clock=clock, seed=seed)
    while True:
        check()
        began = clock.now()
        facts = component.look(site)
        readiness = component.judge(facts)
        before, wait = wait, wait.after(readiness, clock.now())
        _announce(before, wait, tell, clock.now())
        if readiness.ready or readiness.seedable:
            seeding.advance(complete=readiness.ready)
        if wait.streak >= in_a_row and seeding.done:
            tell(ComponentReady(component=component.name, elapsed=clock.now() - wait.began))
            return wait
        if clock.now() >= deadline():
            raise TimeIsUp(wait)
        if not readiness.ready:
            # what a busy server does not take now is asked for again after the next look
            with suppress(*_BUSY):
                component.prepare(site, facts)
        clock.sleep(pause_after(clock.now() - began))


@dataclass(kw_only=True)
class _Seeding:
    """Seeding, tried again until it went through: once the component is complete for a while only, for a lead may be lost and found again."""

    clock: Clock
    seed: Callable[[], None] | None
    _refused_since: float | None = None

    @property
    def done(self) -> bool:
        return self.seed is None

    def advance(self, *, complete: bool) -> None:
        """Seed, unless that is done. Raises the last SeedingFailed when a complete component refuses for too long."""
        if self.seed is None:
            return
        try:
            self.seed()
        except SeedingFailed:
            if complete and self._long_since():
                raise
        else:
            self.seed = None

    def _long_since(self) -> bool:
        if self._refused_since is None:
            self._refused_since = self.clock.now()
        return self.clock.now() - self._refused_since >= _SEED_PATIENCE


def _announce(before: Wait, wait: Wait, tell: Callable[[Event], None], now: float) -> None:
    if wait.missing and wait.missing != before.missing:
        tell(ComponentWaits(component=wait.component, missing=wait.missing, elapsed=now - wait.began))


@dataclass(kw_only=True)
class Sentry:
    """Notices containers that end while they are waited for: by the engine's events, and by looking now and then.

    A service is watched from the moment of its start; what we stop or remove ourselves is not. ``wall`` gives seconds since
    the epoch, as the engine's events do.
    """

    runtime: Runtime
    services: Mapping[str, Service]
    wall: Callable[[], float] = time.time
    _since: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _deaths: list[Death] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Sentry:
        threading.Thread(target=self._listen, name="deaths", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def watch(self, service: str, *, starts: bool = True) -> None:
        """From now on the end of this service's container is a crash. ``starts``: it is being started now."""
        self._since[service] = self.wall()
        if starts:
            self._began[service] = self._since[service]

    def release(self, service: str) -> None:
        """We are about to end it ourselves."""
        self._since.pop(service, None)

    def crashed(self) -> Death | None:
        """The first crash of a service that is not optional."""
        return next((death for death in tuple(self._deaths) if self._counts(death)), None)

    def lasted(self, death: Death) -> float:
        """Seconds from the start of a service to its death; 0.0 where the start was not seen."""
        began = self._began.get(death.service, 0.0)
        return death.at - began if began else 0.0

    def inspect(self, snapshot: Snapshot) -> None:
        """Take in what the engine says of all containers, in case an event was missed."""
        known = {(death.service, round(death.at)) for death in tuple(self._deaths)}
        for service, container in snapshot.containers.items():
            if has_ended(container) and (service, round(container.finished_at)) not in known:
                at = container.finished_at or self.wall()
                self._deaths.append(Death(service=service, exit_code=container.exit_code, at=at))

    def _counts(self, death: Death) -> bool:
        began = self._since.get(death.service)
        service = self.services.get(death.service)
        return began is not None and death.at > began and service is not None and not service.optional

    def _listen(self) -> None:
        try:
            for death in self.runtime.deaths(self._stop):
                self._deaths.append(death)
        except NexusError:
            return  # the engine went away: whoever asks it next says so


def has_ended(container: Container) -> bool:
    """Whether a container that should run does not: also one that the engine keeps restarting."""
    return container.state in (State.EXITED, State.DEAD, State.RESTARTING)


def crash(
    death: Death,
    service: Service,
    container: Container | None,
    log: Sequence[str],
    *,
    lasted: float = 0.0,
    diagnosis: Diagnosis | None = None,
) -> CrashedDuringStart:
    """The error for a container that ended while it was waited for.

    lasted     seconds after its start, 0 when unknown
    diagnosis  what its component makes of the log
    """
    after = f" {lasted:.1f} s after its start" if lasted > 0 else ""
    return CrashedDuringStart(
        f"{service.component} is not ready: {service.name} exited (code {death.exit_code}){after}",
        why=diagnosis.why if diagnosis else cause(death.exit_code, service, container) or complaint(log),
        hint=diagnosis.hint
        if diagnosis
        else f"nexusdev logs {service.name}   all it said; its container is kept\nnexusdev up   try again",
        evidence=tuple(log) or ("it wrote nothing to its log",),
        code=diagnosis.code if diagnosis else "",
    )


def cause(exit_code: int, service: Service, container: Container | None) -> str:  # noqa: PLR0911 - one per cause
    """What an exit code tells by itself; '' where only the log can tell."""
    if container and container.out_of_memory:
        return f"the kernel ended it for lack of memory; its limit is {service.memory_bytes // 2**20} MiB"
    if container and container.error:
        return container.error
    if exit_code in (_NO_COMMAND, _NOT_EXECUTABLE):
        return f"its command cannot be run in image {service.image}"
    if exit_code == _OUT_OF_MEMORY:
        return "it was killed (SIGKILL): by somebody, or for lack of memory"
    if exit_code > _SIGNALLED:
        return f"it was ended by signal {exit_code - _SIGNALLED}"
    if exit_code == 0:
        return "it ended by itself, without an error; a server must go on"
    return ""


def complaint(log: Sequence[str]) -> str:
    """The last line of a log that tells of a failure, in a sentence; '' where none does."""
    found = next((line for line in reversed(log) if _COMPLAINT.search(line)), "")
    return f"its log says: {found.strip()}" if found else ""


def last_lines(runtime: Runtime, service: str, count: int = LOG_LINES) -> tuple[str, ...]:
    """The end of a service's log; nothing where it cannot be had."""
    try:
        return tuple(line.text for line in runtime.logs([service], tail=count))[-count:]
    except NexusError:
        return ()


def late(waits: Iterable[Wait], seconds: float, command: str = "up") -> NotReadyInTime:
    """One error for everything that was missing at the deadline."""
    missing = {wait.component: wait.missing or "it was being seeded" for wait in waits}
    names = " and ".join(missing)
    first = next(iter(missing), "")
    return NotReadyInTime(
        f"{names} {'is' if len(missing) == 1 else 'are'} not ready after {seconds:.0f} s",
        why="; ".join(missing.values()) if len(missing) == 1 else "",
        evidence=tuple(f"{name}: {sentence}" for name, sentence in missing.items()) if len(missing) > 1 else (),
        hint=f"nexusdev status   look at every node\nnexusdev logs {first}   what its servers say\n"
        f"nexusdev {command} --timeout {max(2 * seconds, 60):.0f}   wait longer",
    )


def unready(components: Iterable[tuple[Component, Any]]) -> Iterator[tuple[str, str]]:
    """Name and missing sentence of each component whose facts say that it is not ready."""
    for component, facts in components:
        readiness = component.judge(facts)
        if not readiness.ready:
            yield component.name, readiness.missing
