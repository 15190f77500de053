"""Workers that take turns: at the same time, or alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turns import Turns, breaks, group_of, misplaced

ROOT = Path(__file__).parents[2]
SOON = 0.2  # seconds in which nothing must happen


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Turns, Turns]]:
    """Two workers of a run. Locks belong to an open file, so two threads wait for each other as two processes do."""
    both = Turns(tmp_path), Turns(tmp_path)
    yield both
    for each in both:
        each.close()


def taken(turns: Turns, *, alone: bool) -> threading.Event:
    """Take a turn in the background; the event is set when it is there."""
    there = threading.Event()

    def take() -> None:
        turns.take(alone=alone)
        there.set()

    threading.Thread(target=take, daemon=True).start()
    return there


def test_ordinary_tests_run_at_the_same_time(pair: tuple[Turns, Turns]) -> None:
    one, other = pair
    one.take(alone=False)
    assert taken(other, alone=False).wait(timeout=10)


@pytest.mark.parametrize("alone", [True, False])
def test_nothing_starts_beside_a_test_that_runs_alone(pair: tuple[Turns, Turns], alone: bool) -> None:
    one, other = pair
    one.take(alone=True)
    there = taken(other, alone=alone)
    assert not there.wait(timeout=SOON)
    one.give_back()
    assert there.wait(timeout=10)


def test_a_test_that_runs_alone_waits_for_the_others(pair: tuple[Turns, Turns]) -> None:
    one, other = pair
    one.take(alone=False)
    there = taken(other, alone=True)
    assert not there.wait(timeout=SOON)
    one.give_back()
    assert there.wait(timeout=10)


def test_who_waits_to_be_alone_comes_before_later_tests(pair: tuple[Turns, Turns], tmp_path: Path) -> None:
    one, other = pair
    one.take(alone=False)
    waiting = taken(other, alone=True)
    assert not waiting.wait(timeout=SOON)
    later = taken(Turns(tmp_path), alone=False)
    assert not later.wait(timeout=SOON)
    one.give_back()
    assert waiting.wait(timeout=10)
    assert not later.wait(timeout=SOON)
    other.give_back()
    assert later.wait(timeout=10)


def test_tests_that_run_alone_and_follow_each_other_have_one_turn(pair: tuple[Turns, Turns]) -> None:
    one, other = pair
    one.take(alone=True)
    there = taken(other, alone=False)
    one.take(alone=True)
    assert not there.wait(timeout=SOON)
    one.take(alone=False)
    assert there.wait(timeout=10)


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("tests/integration/test_commands.py", "stack"),
        ("tests/integration/redis/test_redis.py", "stack"),
        ("tests/integration/bad_days/test_cuts.py", "days"),
        ("tests/integration/test_wheel.py", "tests/integration/test_wheel.py"),
        ("tests/contract/test_runtime.py", "tests/contract/test_runtime.py"),
    ],
)
def test_the_files_of_one_instance_are_a_group(file: str, group: str) -> None:
    assert (ROOT / file).exists()
    assert group_of(file) == group


def test_a_test_in_a_file_of_another_group_is_named() -> None:
    assert misplaced(("variables", "project"), "tests/integration/test_wheel.py") == "project"
    assert misplaced(("variables", "project"), "tests/integration/test_commands.py") == ""
    assert misplaced(("running", "days"), "tests/integration/test_commands.py") == "days"
    assert misplaced(("tmp_path",), "tests/contract/test_runtime.py") == ""


def test_a_test_that_heals_or_runs_alone_breaks_something() -> None:
    assert breaks(("project", "heal"), alone=False)
    assert breaks(("project",), alone=True)
    assert not breaks(("project",), alone=False)
