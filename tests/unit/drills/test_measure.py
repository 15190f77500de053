from __future__ import annotations

import math

import pytest

from nexusdev.drills.measure import (
    Doing,
    Operation,
    acknowledged,
    kinds_of_error,
    longest_gap,
    rate,
    register_reads,
    register_writes,
)


def op(ended: float, *, error: str = "", value: int | None = None, doing: Doing = Doing.WRITE) -> Operation:
    return Operation(doing=doing, began=ended - 0.1, ended=ended, value=value, error=error)


@pytest.mark.parametrize(
    ("ends", "gap"),
    [
        pytest.param([9.9, 10.4, 13.0, 19.8], 6.8, id="between two acknowledgements"),
        pytest.param([8.0, 18.0, 19.0], 10.0, id="from the last one before the fault"),
        pytest.param([9.9, 10.5], 9.5, id="up to the end"),
        pytest.param([], 10.0, id="nothing at all"),
    ],
)
def test_the_longest_gap(ends: list[float], gap: float) -> None:
    assert longest_gap(map(op, ends), begin=10.0, end=20.0) == pytest.approx(gap)


def test_a_failed_operation_does_not_end_a_gap() -> None:
    assert longest_gap([op(10.0), op(15.0, error="refused"), op(20.0)], begin=10.0, end=20.0) == pytest.approx(10.0)


def test_the_rate_counts_acknowledgements_per_part() -> None:
    assert rate([op(0.5), op(0.6), op(1.5, error="refused"), op(3.9), op(4.0)], begin=0.0, end=4.0, buckets=4) == [
        2,
        0,
        0,
        1,
    ]


def test_errors_are_counted_by_their_first_line() -> None:
    failed = [op(1, error="refused\nDETAIL: 1"), op(2, error="timed out"), op(3, error="refused\nDETAIL: 2"), op(4)]
    assert kinds_of_error(failed) == (("refused", 2), ("timed out", 1))


def test_only_acknowledged_writes_count_as_kept() -> None:
    assert acknowledged([op(1, value=1), op(2, value=2, error="refused"), op(3, value=9, doing=Doing.READ)]) == {1}


def test_a_write_without_an_answer_may_take_effect_later() -> None:
    (write,) = register_writes([op(2, value=2, error="timed out")])
    assert write.ended == math.inf


def test_a_failed_read_says_nothing() -> None:
    assert register_reads([op(1, doing=Doing.READ, error="refused")]) == []
