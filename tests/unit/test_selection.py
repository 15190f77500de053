"""The examples that ``make test`` runs."""

from __future__ import annotations

import pytest

from tests.selection import examples


def test_the_other_examples_are_long() -> None:
    rows = examples([("a", 1), ("b", 2)], in_make_test=["b"])
    assert [(row.values, [mark.name for mark in row.marks]) for row in rows] == [(("a", 1), ["long"]), (("b", 2), [])]


def test_a_single_value_needs_no_tuple() -> None:
    assert [row.values for row in examples("ab", in_make_test=["a"])] == [("a",), ("b",)]


@pytest.mark.parametrize("chosen", [[], ["c"]])
def test_make_test_runs_at_least_one_that_exists(chosen: list[str]) -> None:
    with pytest.raises(ValueError, match="make test runs none of"):
        examples("ab", in_make_test=chosen)
