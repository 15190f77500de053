"""`up` that is cut, in every phase and by every signal: run again, it reaches the same end."""

from __future__ import annotations

import signal

import pytest

from tests.integration.bad_days.conftest import SMALL, ready, shape_of
from tests.integration.bad_days.cutting import end, line_that_begins, lock_that_is_taken
from tests.integration.conftest import Project
from tests.selection import examples

pytestmark = pytest.mark.integration

# phase → how the line begins that `up -v` says when it is in it
SAYS = {
    "images": "prepare: ",
    "create": "create volume ",
    "start": "start redis-",
    "wait": "wait redis",
    "seed": "seed redis",
    "write": "prove redis",
}


def cut(project: Project, phase: str, with_signal: signal.Signals, *names: str) -> str:
    process = project.start("up", "-v", *names)
    if phase == "prepare":
        lock_that_is_taken(process, project.state)
    else:
        line_that_begins(process, SAYS.get(phase, phase))
    return end(process, with_signal)


@pytest.mark.parametrize(
    ("phase", "politely"),
    examples(
        [
            ("prepare", signal.SIGINT),
            ("images", signal.SIGHUP),
            ("create", signal.SIGINT),
            ("start", signal.SIGTERM),
            ("wait", signal.SIGHUP),
            ("seed", signal.SIGTERM),
            ("write", signal.SIGINT),
        ],
        in_make_test=["create", "wait", "seed"],
    ),
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_an_up_interrupted_in_any_phase_reaches_the_same_end(
    running: Project, gone_at_the_end: Project, phase: str, politely: signal.Signals
) -> None:
    cut(gone_at_the_end, phase, signal.SIGKILL, SMALL)
    cut(gone_at_the_end, phase, politely, SMALL)
    gone_at_the_end.up(SMALL)
    assert ready(gone_at_the_end)
    assert gone_at_the_end.run("run", "--", "true").code == 0, "its variables are proven"
    assert shape_of(gone_at_the_end) == shape_of(running)


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_an_interrupted_up_reports_what_remains_with_a_hint(resting: Project, with_signal: signal.Signals) -> None:
    output = cut(resting, "start", with_signal, SMALL)
    assert "up was interrupted" in output
    assert "started containers keep running; no data is lost" in " ".join(output.split())
    assert "nexusdev down" in output
    resting.up(SMALL)


@pytest.mark.long
def test_a_stack_killed_three_times_during_its_first_up_reaches_the_same_end(
    gone_at_the_end: Project,
) -> None:
    for moment in ("wait vault", "seed postgres", "prove "):
        cut(gone_at_the_end, moment, signal.SIGKILL)
    gone_at_the_end.up()
    assert ready(gone_at_the_end)
    assert "nothing to do" in gone_at_the_end.up().out
