"""Probes and assesses a component until it is ready, a container exits, or the deadline passes.

All components share one deadline. The runtime's health state is not used.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.contract import Component, Readiness
from nexusdev.errors import NotReadyInTime, SeedingFailed
from nexusdev.events import ComponentReady, ComponentWaits, Event, PreparationFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.clock import Clock
from nexusdev.util.humanize import join_names

SHORTEST, LONGEST = 0.05, 0.1
# Errors when a starting server drops a connection. Not OSError, because a full disk must be reported.
_BUSY = (TimeoutError, ConnectionError, ssl.SSLError)
_SEED_PATIENCE = 10.0


class Reason(Struct, frozen=True, kw_only=True):
    """A missing condition and the period in which it was missing. Times are those of the clock."""

    missing: str
    began: float
    ended: float


class Wait(Struct, frozen=True, kw_only=True):
    """The progress of waiting for one component. Immutable: each assessment returns a new one.

    Attributes:
        streak: Consecutive assessments that were "ready".
        reasons: The missing conditions in order of time; the last one is still missing if ``streak`` is 0.
    """

    component: str
    began: float
    streak: int = 0
    reasons: tuple[Reason, ...] = ()

    def after(self, readiness: Readiness, now: float) -> Wait:
        """Return the progress after this assessment. ``now``: the time of the clock, in seconds."""
        if readiness.ready:
            return replace(self._until(now), streak=self.streak + 1)
        if self.reasons and not self.streak and self.reasons[-1].missing == readiness.missing:
            return self._until(now)
        begun = self._until(now)
        reason = Reason(missing=readiness.missing, began=now, ended=now)
        return replace(begun, streak=0, reasons=(*begun.reasons, reason))

    def _until(self, now: float) -> Wait:
        """Return the progress with the current reason extended until now."""
        if not self.reasons or self.streak:
            return self
        return replace(self, reasons=(*self.reasons[:-1], replace(self.reasons[-1], ended=now)))

    @property
    def missing(self) -> str:
        """The sentence that says what is still missing."""
        return self.reasons[-1].missing if self.reasons and not self.streak else ""


class TimeIsUp(Exception):
    """A component was not ready at the deadline. The deployer combines these into one error.

    Attributes:
        wait: What was missing, and since when.
        refusal: The last failure of the seeding; None if it never failed or succeeded since.
    """

    def __init__(self, wait: Wait, refusal: SeedingFailed | None = None) -> None:
        super().__init__(wait.missing)
        self.wait = wait
        self.refusal = refusal


def pause_after(cost: float) -> float:
    """Pause after a probe that took ``cost`` seconds, in seconds: at most half of the time is spent probing."""
    return min(max(cost, SHORTEST), LONGEST)


def until_ready(
    component: Component,
    access: InstanceAccess,
    *,
    clock: Clock,
    deadline: Callable[[], float],
    tell: Callable[[Event], None],
    check: Callable[[], None],
    seed: Callable[[], None] | None = None,
) -> Wait:
    """Wait until the component is ready, and seed it as soon as it can be seeded.

    Args:
        component: The component.
        access: The instance.
        clock: Measures and waits.
        deadline: Returns the deadline, by ``clock``; called at each probe, because image builds extend it.
        tell: Receives an event for each missing condition.
        check: Called between probes; raises if waiting is pointless.
        seed: Seeds the component; None if it is not seeded.

    Returns:
        The finished wait, with everything that was missing and when.

    Raises:
        TimeIsUp: The component is not ready at the deadline.
        SeedingFailed: The component is ready, and seeding still fails.
    """
    wait = Wait(component=component.name, began=clock.now())
    seeding, preparing = _Seeding(clock=clock, seed=seed), _Preparing(tell=tell)
    while True:
        check()
        began = clock.now()
        facts = component.probe(access, test_writes=True)
        readiness = component.assess(facts)
        before, wait = wait, wait.after(readiness, clock.now())
        _announce(before, wait, tell, clock.now())
        if readiness.ready or readiness.seedable:
            seeding.advance(complete=readiness.ready)
        if wait.streak and seeding.done:
            tell(ComponentReady(component=component.name, elapsed=clock.now() - wait.began))
            return wait
        if clock.now() >= deadline():
            raise TimeIsUp(wait, seeding.refusal)
        if not readiness.ready:
            preparing.advance(component, access, facts)
        clock.sleep(pause_after(clock.now() - began))


class _Preparing(Struct, kw_only=True):
    """Prepares a component between probes. A busy server may refuse it; each new failure is reported, and retried after the next probe."""

    tell: Callable[[Event], None]
    failure: str = ""

    def advance(self, component: Component, access: InstanceAccess, facts: Any) -> None:
        try:
            component.prepare(access, facts)
        except _BUSY as error:
            failure = f"{type(error).__name__}: {error}"
            if failure != self.failure:
                self.tell(PreparationFailed(component=component.name, why=failure))
            self.failure = failure


class _Seeding(Struct, kw_only=True):
    """Seeding with retries. The retries of a complete component are limited in time, because a leader may change during the seeding."""

    clock: Clock
    seed: Callable[[], None] | None
    refusal: SeedingFailed | None = None
    _refused_since: float | None = None

    @property
    def done(self) -> bool:
        return self.seed is None

    def advance(self, *, complete: bool) -> None:
        """Seed the component if it is not seeded yet. Raises the last SeedingFailed if a complete component fails for too long."""
        if self.seed is None:
            return
        try:
            self.seed()
        except SeedingFailed as refusal:
            self.refusal = refusal
            if complete and self._long_since():
                raise
        else:
            self.seed = self.refusal = None

    def _long_since(self) -> bool:
        if self._refused_since is None:
            self._refused_since = self.clock.now()
        return self.clock.now() - self._refused_since >= _SEED_PATIENCE


def _announce(before: Wait, wait: Wait, tell: Callable[[Event], None], now: float) -> None:
    if wait.missing and wait.missing != before.missing:
        tell(ComponentWaits(component=wait.component, missing=wait.missing, elapsed=now - wait.began))


def late(missing: Mapping[str, str], seconds: float, command: str = "up", *, waited: float = 0.0) -> NotReadyInTime:
    """Return the error for all components that are not ready at the deadline.

    Args:
        missing: Component → what is missing, or the phase it is in.
        seconds: The time limit of the command, in seconds.
        command: Name of the command to retry, for the hint.
        waited: The part of ``seconds`` that was spent waiting for another command's lock.

    Returns:
        The error. Its hint suggests twice the time limit, and at least 60 s.
    """
    first = next(iter(missing), "")
    behind = f" (including {waited:.0f} s waiting for another command)" if waited >= 1 else ""
    return NotReadyInTime(
        f"{join_names(missing)} {'is' if len(missing) == 1 else 'are'} not ready after {seconds:.0f} s{behind}",
        why="; ".join(missing.values()) if len(missing) == 1 else "",
        evidence=tuple(f"{name}: {sentence}" for name, sentence in missing.items()) if len(missing) > 1 else (),
        hint=f"nexusdev status   show every service\nnexusdev logs {first}   show its logs\n"
        f"nexusdev {command} --timeout {max(2 * seconds, 60):.0f}   wait longer",
    )
