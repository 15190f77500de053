"""Progress events and the Listener protocol."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from nexusdev.plan import Plan, Step


class Event(Struct, frozen=True, kw_only=True):
    """The root of all events."""


class LockAwaited(Event, frozen=True, kw_only=True):
    """Another command works on the instance, and this one waits for it. ``holder``: ``nexusdev up (pid 4711)``."""

    holder: str


class LockTaken(Event, frozen=True, kw_only=True):
    """The waiting is over."""

    seconds: float


class PhaseBegan(Event, frozen=True, kw_only=True):
    """prepare, images, plan, start, wait, seed, prove, write."""

    phase: str


class PhaseEnded(Event, frozen=True, kw_only=True):
    phase: str
    seconds: float


class ImageProgress(Event, frozen=True, kw_only=True):
    """An image on its way. ``step``: what is being done; ``done`` on the last event of an image."""

    image: str
    step: str
    elapsed: float
    done: bool = False


class Planned(Event, frozen=True, kw_only=True):
    plan: Plan


class StepDone(Event, frozen=True, kw_only=True):
    """``component``: whose service the step changed, '' for none."""

    step: Step
    seconds: float
    component: str = ""


class ComponentWaits(Event, frozen=True, kw_only=True):
    """A component is not ready yet; ``missing`` is why. Reported when the sentence changes, not at each probe."""

    component: str
    missing: str
    elapsed: float


class ComponentReady(Event, frozen=True, kw_only=True):
    component: str
    elapsed: float


class Seeded(Event, frozen=True, kw_only=True):
    component: str
    changes: tuple[str, ...]
    elapsed: float


class Proven(Event, frozen=True, kw_only=True):
    component: str
    paths: tuple[str, ...]
    elapsed: float


class PreparationFailed(Event, frozen=True, kw_only=True):
    """What a component's servers need from outside could not be done now. It is tried again after the next probe."""

    component: str
    why: str


class Note(Event, frozen=True, kw_only=True):
    """Something to know that is no failure: a moved port block, an optional service that is absent."""

    text: str
    warning: bool = False


class ClientProgress(Event, frozen=True, kw_only=True):
    """What a client of a drill does now. A live board shows it; as lines it would be too much."""

    client: str
    words: str
    good: bool


class Listener(Protocol):
    """Receives every event, from any thread. It must be quick and never raise."""

    def tell(self, event: Event) -> None: ...


class Silence:
    """A listener that ignores all events."""

    def tell(self, event: Event) -> None:
        del event
