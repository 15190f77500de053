"""Events as a person follows them: one line per change, or a board with one row per component. Pure."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.cli.output import Style
from nexusdev.events import (
    ClientProgress,
    ComponentReady,
    ComponentWaits,
    Event,
    ImageProgress,
    LockAwaited,
    Note,
    PhaseBegan,
    PhaseEnded,
    Planned,
    PreparationFailed,
    Proven,
    Seeded,
    StepDone,
)
from nexusdev.plan import Plan, Step

_LONGEST = 140


class Lines(Struct, kw_only=True):
    """One line per change. A reason that all steps of a plan share is printed once, with the plan."""

    verbose: bool = False
    _shared: str = ""

    def after(self, event: Event) -> str | None:
        """The line for what happened; None for what only a verbose reader wants."""
        if isinstance(event, Planned):
            self._shared = shared_reason(event.plan)
        text = self._words(event)
        return text if text is None or self.verbose or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    def _words(self, event: Event) -> str | None:
        match event:
            case StepDone(step=step) if self.verbose or _is_told(step):
                return self._step(event)
            case Planned(plan=plan) if plan:
                return f"plan: {counted(plan)}" + (f" ({self._shared})" if self._shared else "")
            case PhaseEnded() if self.verbose:
                return f"{event.phase}: {event.seconds:.2f} s"
            case PreparationFailed() if self.verbose:
                return f"prepare {event.component}: tried again after {event.why}"
            case Seeded() if event.changes:
                return f"seed {event.component}: {_seeds(event.changes, self.verbose)}"
            case _:
                return line(event)

    def _step(self, event: StepDone) -> str:
        step = event.step
        reason = "" if step.reason == self._shared else f": {step.reason}"
        return f"{step.action} {step.resource}{reason}" + (f" ({event.seconds:.2f} s)" if self.verbose else "")


def _is_told(step: Step) -> bool:
    """Return whether a step gets its own line. Steps that only create something are printed with the plan."""
    return bool(step.starts or step.ends or step.removes)


def starts(plan: Plan) -> dict[str, int]:
    """Component → how many of its services are made and started."""
    made = {step.resource for step in plan.steps if step.images}
    counts: dict[str, int] = {}
    for step in plan.steps:
        if step.resource in made and step.starts:
            counts[step.component] = counts.get(step.component, 0) + len(step.starts)
    return counts


def shared_reason(plan: Plan) -> str:
    """The reason of all steps of a plan, when it is the same one."""
    reasons = {step.reason for step in plan.steps}
    return reasons.pop() if len(reasons) == 1 else ""


def line(event: Event) -> str | None:  # noqa: PLR0911 - one per event
    """One line for what has no step and no plan behind it."""
    match event:
        case ComponentWaits():
            return f"wait {event.component}: {event.missing}"
        case ComponentReady():
            return f"ready {event.component}: after {event.elapsed:.1f} s"
        case Proven() if event.paths:
            return f"prove {event.component}: {counted_paths(event.paths)} as this instance"
        case ImageProgress():
            return f"image {event.image}: {event.step}" + (f" ({event.elapsed:.0f} s)" if event.done else "")
        case LockAwaited(holder=holder):
            return f"waiting for {holder} to end"
        case Note():
            return f"warning: {event.text}" if event.warning else event.text
        case _:
            return None


def counted_paths(paths: tuple[str, ...]) -> str:
    """``1 path answers``, ``3 paths answer``."""
    return "1 path answers" if len(paths) == 1 else f"{len(paths)} paths answer"


def _seeds(changes: tuple[str, ...], verbose: bool) -> str:
    if verbose or len(changes) == 1:
        return "; ".join(changes)
    return f"{changes[0]} and {len(changes) - 1} more"


def counted(plan: Plan) -> str:
    """``27 × create, 27 × start``: how many steps of each kind."""
    counts: dict[str, int] = {}
    for step in plan.steps:
        counts[step.action] = counts.get(step.action, 0) + 1
    return ", ".join(f"{count} × {action}" for action, count in counts.items())


class ProgressRow(Struct, frozen=True, kw_only=True):
    """One line of the board. ``since`` is the elapsed time in seconds, which stops when the row is done."""

    name: str
    words: str = ""
    style: Style = "plain"
    done: bool = False
    seconds: float | None = None


class Board(Struct, frozen=True, kw_only=True):
    """What a live screen shows: the phase and a row per component, images on their way while there are any."""

    phase: str = ""
    rows: tuple[ProgressRow, ...] = ()
    images: tuple[ProgressRow, ...] = ()
    notes: tuple[str, ...] = ()
    started: tuple[tuple[str, int], ...] = ()
    to_start: tuple[tuple[str, int], ...] = ()

    def after(self, event: Event) -> Board:  # noqa: PLR0911 - one per event
        """The board once this has happened."""
        match event:
            case PhaseBegan():
                return replace(self, phase=event.phase)
            case LockAwaited(holder=holder):
                return replace(self, phase=f"waiting for {holder} to end")
            case Planned():
                return self._planned(event.plan)
            case StepDone() if event.component:
                return self._stepped(event)
            case ComponentWaits():
                return self._put(ProgressRow(name=event.component, words=event.missing, style="warn"))
            case ComponentReady():
                return self._put(ProgressRow(name=event.component, words="ready", style="good", seconds=event.elapsed))
            case Seeded():
                return self._seeded(event)
            case Proven():
                return self._put(ProgressRow(name=event.component, words="ready, proven", style="good", done=True))
            case ImageProgress():
                return self._image(event)
            case ClientProgress():
                return self._put(
                    ProgressRow(name=event.client, words=event.words, style="good" if event.good else "warn")
                )
            case Note():
                return replace(self, notes=(*self.notes, event.text))
            case _:
                return self

    def _planned(self, plan: Plan) -> Board:
        """A row for each component that will be started, so that the rows keep their places."""
        counts = starts(plan)
        waiting = tuple(
            ProgressRow(name=name, words=f"0 of {count} started", style="dim") for name, count in counts.items()
        )
        known = {row.name for row in self.rows}
        rows = (*self.rows, *(row for row in waiting if row.name not in known))
        return replace(self, to_start=tuple(counts.items()), rows=rows)

    def _stepped(self, event: StepDone) -> Board:
        counts = dict(self.started)
        counts[event.component] = counts.get(event.component, 0) + len(event.step.starts)
        count, total = counts[event.component], dict(self.to_start).get(event.component, 0)
        words = (
            f"{count} of {max(count, total)} started"
            if event.step.starts
            else f"{event.step.action} {event.step.resource}"
        )
        board = replace(self, started=tuple(counts.items()))
        # observers start last: a component may be ready before its exporters run, and stays ready
        is_ready = any(row.name == event.component and row.style == "good" for row in self.rows)
        return board if is_ready else board._put(ProgressRow(name=event.component, words=words, style="dim"))

    def _seeded(self, event: Seeded) -> Board:
        before = next((row for row in self.rows if row.name == event.component), None)
        if before is None or before.style == "good":
            return self._put(ProgressRow(name=event.component, words="ready, seeded", style="good"))
        return self

    def _image(self, event: ImageProgress) -> Board:
        others = tuple(row for row in self.images if row.name != event.image)
        if event.done:
            return replace(self, images=others)
        row = ProgressRow(name=event.image, words=event.step, seconds=event.elapsed)
        same_place = tuple(row if each.name == event.image else each for each in self.images)
        return replace(self, images=same_place if row in same_place else (*self.images, row))

    def _put(self, row: ProgressRow) -> Board:
        if not any(each.name == row.name for each in self.rows):
            return replace(self, rows=(*self.rows, row))
        kept = tuple(
            replace(row, seconds=row.seconds if row.seconds is not None else each.seconds)
            if each.name == row.name
            else each
            for each in self.rows
        )
        return replace(self, rows=kept)
