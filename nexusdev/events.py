"""What the engine tells while it works: frozen events, and the Listener who hears them (Rich rows, plain lines, NDJSON, a test's list)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nexusdev.plan.steps import Plan, Step


@dataclass(frozen=True, kw_only=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True, kw_only=True)
class PhaseBegan(Event):
    """preflight, images, plan, start, wait, seed, prove, write."""

    phase: str


@dataclass(frozen=True, kw_only=True)
class PhaseEnded(Event):
    phase: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ImageProgress(Event):
    """An image on its way. ``step``: what is being done; ``done`` on the last event of an image."""

    image: str
    step: str
    elapsed: float
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class StepDone(Event):
    """``component``: whose container the step changed, '' for volumes and networks."""

    step: Step
    seconds: float
    component: str = ""


@dataclass(frozen=True, kw_only=True)
class ComponentWaits(Event):
    """A component is not ready yet; ``missing`` is why. Told when the sentence changes, not at each look."""

    component: str
    missing: str
    elapsed: float


@dataclass(frozen=True, kw_only=True)
class ComponentReady(Event):
    component: str
    elapsed: float


@dataclass(frozen=True, kw_only=True)
class Seeded(Event):
    component: str
    changes: tuple[str, ...]
    elapsed: float


@dataclass(frozen=True, kw_only=True)
class Proven(Event):
    component: str
    paths: tuple[str, ...]
    elapsed: float


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something to know that is no failure: a moved port block, an optional service that is absent."""

    text: str
    warning: bool = False


class Listener(Protocol):
    """Hears every event, from any thread; must be quick and never raise."""

    def tell(self, event: Event) -> None: ...


class Silence:
    """A listener that hears nothing."""

    def tell(self, event: Event) -> None:
        del event
