"""Histories of a register: known examples, and random ones compared with a search through all orders."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest

from nexusdev.drills.history import RegisterRead, RegisterWrite, violations

FOREVER = math.inf


def write(value: int, began: float, ended: float = FOREVER) -> RegisterWrite:
    return RegisterWrite(value=value, began=began, ended=ended)


def read(value: int | None, began: float, ended: float) -> RegisterRead:
    return RegisterRead(value=value, began=began, ended=ended)


def words(writes: Sequence[RegisterWrite], reads: Sequence[RegisterRead]) -> list[str]:
    return [each.what for each in violations(writes, reads)]


@pytest.mark.parametrize(
    ("writes", "reads"),
    [
        pytest.param([], [], id="nothing happened"),
        pytest.param([], [read(None, 1, 2)], id="the beginning is read"),
        pytest.param([write(1, 1, 2)], [read(1, 3, 4)], id="a write is read"),
        pytest.param([write(1, 1, 4)], [read(None, 2, 3)], id="a write that runs need not be seen"),
        pytest.param([write(1, 1, 4)], [read(1, 2, 3)], id="a write that runs may be seen"),
        pytest.param([write(1, 1)], [read(None, 5, 6)], id="a write without an answer may never happen"),
        pytest.param([write(1, 1), write(2, 3, 4)], [read(2, 5, 6), read(1, 7, 8)], id="it may also happen late"),
        pytest.param(
            [write(1, 1, 9), write(2, 2, 8)], [read(2, 3, 4), read(1, 5, 6)], id="two writes at once, in either order"
        ),
    ],
)
def test_a_history_that_fits_into_one_order(writes: list[RegisterWrite], reads: list[RegisterRead]) -> None:
    assert words(writes, reads) == []


@pytest.mark.parametrize(
    ("writes", "reads", "expected"),
    [
        pytest.param(
            [write(1, 1, 2)], [read(None, 3, 4)], "the value of the beginning", id="an acknowledged write is not seen"
        ),
        pytest.param(
            [write(1, 1, 2), write(2, 3, 4)],
            [read(1, 5, 6)],
            "1 was read before and after 2 was written",
            id="a stale read",
        ),
        pytest.param([], [read(7, 1, 2)], "read 7, which nobody wrote", id="a value from nowhere"),
        pytest.param([write(1, 5, 6)], [read(1, 1, 2)], "read 1 before it was written", id="a value from the future"),
        pytest.param(
            [write(1, 1, 2), write(2, 3)],
            [read(2, 4, 5), read(1, 6, 7)],
            "1 was read before and after 2 was written",
            id="an unanswered write that was seen stays",
        ),
    ],
)
def test_a_history_without_an_order(writes: list[RegisterWrite], reads: list[RegisterRead], expected: str) -> None:
    found = words(writes, reads)
    assert any(expected in each for each in found), found


def searched(writes: Sequence[RegisterWrite], reads: Sequence[RegisterRead]) -> bool:
    """Whether an order exists, found by trying all of them. Unanswered writes may be left out."""
    certain = [each for each in writes if math.isfinite(each.ended)]
    doubtful = [each for each in writes if not math.isfinite(each.ended)]
    for count in range(len(doubtful) + 1):
        for happened in itertools.combinations(doubtful, count):
            operations: list[RegisterWrite | RegisterRead] = [*certain, *happened, *reads]
            if any(map(is_legal, itertools.permutations(operations))):
                return True
    return False


def is_legal(order: Sequence[RegisterWrite | RegisterRead]) -> bool:
    value: int | None = None
    for place, each in enumerate(order):
        if any(later.ended < each.began for later in order[place + 1 :]):
            return False
        if isinstance(each, RegisterWrite):
            value = each.value
        elif each.value != value:
            return False
    return True


def test_it_agrees_with_a_search_through_all_orders() -> None:
    dice, verdicts = random.Random(4711), set()
    for _ in range(400):
        times = iter(dice.sample(range(100), 10))
        writes, reads = [], []
        for value in range(1, dice.randint(2, 3) + 1):
            began, ended = sorted((next(times), next(times)))
            writes.append(write(value, began, FOREVER if dice.random() < 0.25 else ended))
        for _ in range(2):
            began, ended = sorted((next(times), next(times)))
            reads.append(read(dice.choice([None, *(each.value for each in writes)]), began, ended))
        expected = searched(writes, reads)
        verdicts.add(expected)
        assert (violations(writes, reads) == ()) is expected, (writes, reads)
    assert verdicts == {True, False}
