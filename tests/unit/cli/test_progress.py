"""Events as lines and as a board."""

from __future__ import annotations

from functools import reduce

from nexusdev.cli.progress import Board, Lines
from nexusdev.events import (
    ComponentReady,
    ComponentWaits,
    Event,
    ImageProgress,
    Note,
    PhaseBegan,
    Planned,
    Proven,
    Seeded,
    StepDone,
)
from nexusdev.plan import Plan, Step

CREATE = Step(action="create", resource="redis-0", reason="it is not there", component="redis", images=("i",))
START = Step(
    action="start", resource="redis-0", reason="it is not there", component="redis", starts=frozenset({"redis-0"})
)
STOPPED = Step(
    action="start", resource="redis-1", reason="it is stopped", component="redis", starts=frozenset({"redis-1"})
)

EVENTS: tuple[Event, ...] = (
    Planned(plan=Plan(steps=(CREATE, START))),
    StepDone(step=CREATE, seconds=0.1, component="redis"),
    StepDone(step=START, seconds=0.2, component="redis"),
    ComponentWaits(component="redis", missing="no master yet", elapsed=0.1),
    Seeded(component="redis", changes=("created user a", "created user b"), elapsed=0.1),
    ComponentReady(component="redis", elapsed=1.26),
    Proven(component="redis", paths=("REDIS_URL",), elapsed=0.1),
    Proven(component="gateway", paths=(), elapsed=0.1),
    Note(text="Grafana is left out", warning=True),
)


def told(*events: Event, verbose: bool = False) -> list[str]:
    lines = Lines(verbose=verbose)
    return [line for event in events if (line := lines.after(event)) is not None]


def test_each_change_has_a_line_and_a_shared_reason_appears_once() -> None:
    assert told(*EVENTS) == [
        "plan: 1 × create, 1 × start (it is not there)",
        "start redis-0",
        "wait redis: no master yet",
        "seed redis: created user a and 1 more",
        "ready redis: after 1.3 s",
        "prove redis: 1 path answers as this instance",
        "warning: Grafana is left out",
    ]


def test_steps_with_different_reasons_show_each_reason() -> None:
    events = (Planned(plan=Plan(steps=(START, STOPPED))), StepDone(step=STOPPED, seconds=0.2, component="redis"))
    assert told(*events)[1] == "start redis-1: it is stopped"


def test_verbose_output_has_every_step_with_its_time() -> None:
    assert "create redis-0 (0.10 s)" in told(*EVENTS, verbose=True)
    assert "seed redis: created user a; created user b" in told(*EVENTS, verbose=True)


def test_a_long_line_is_truncated() -> None:
    (line,) = told(ComponentWaits(component="monitoring", missing="x" * 500, elapsed=0.0))
    assert len(line) == 140
    assert line.endswith("…")


def board(*events: Event) -> Board:
    return reduce(Board.after, events, Board())


def test_the_board_has_one_row_per_component_with_what_it_waits_for() -> None:
    (row,) = board(*EVENTS[:3]).rows
    assert (row.name, row.words) == ("redis", "1 of 1 started")
    (row,) = board(*EVENTS[:5]).rows
    assert (row.words, row.style) == ("no master yet", "warn")
    rows = board(*EVENTS).rows
    assert [(row.name, row.words, row.done) for row in rows] == [
        ("redis", "ready, proven", True),
        ("gateway", "ready, proven", True),
    ]
    assert rows[0].seconds == 1.26


def test_a_ready_component_stays_ready_while_its_exporters_start() -> None:
    observer = Step(
        action="start",
        resource="redis-exporter",
        reason="it is not there",
        component="redis",
        starts=frozenset({"redis-exporter"}),
    )
    rows = board(*EVENTS, StepDone(step=observer, seconds=0.2, component="redis")).rows
    assert (rows[0].name, rows[0].words, rows[0].done) == ("redis", "ready, proven", True)


def test_rows_are_placed_once_there_is_a_plan() -> None:
    (row,) = board(EVENTS[0]).rows
    assert (row.name, row.words) == ("redis", "0 of 1 started")


def test_pending_images_are_on_the_board() -> None:
    building = ImageProgress(image="vault", step="compiling", elapsed=3.0)
    assert [row.words for row in board(building).images] == ["compiling"]
    assert board(building, ImageProgress(image="vault", step="built", elapsed=4.0, done=True)).images == ()


def test_a_board_without_rows_shows_the_phase() -> None:
    assert board(PhaseBegan(phase="prepare")).phase == "prepare"
