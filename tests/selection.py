"""Which examples of a behaviour ``make test`` runs; ``make test-all`` runs all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def examples(rows: Iterable[object], *, in_make_test: Collection[object]) -> list[ParameterSet]:
    """Return the rows of a parametrized test; those that ``make test`` leaves out have the marker ``long``.

    Args:
        rows: The values of the parameters, a tuple where there are several.
        in_make_test: The first values of the rows that ``make test`` runs: one at least, and each must be there.
    """
    values = [row if isinstance(row, tuple) else (row,) for row in rows]
    missing = [each for each in in_make_test if each not in [first for first, *_ in values]]
    if missing or not in_make_test:
        raise ValueError(f"make test runs none of {missing or 'the rows'}")
    return [pytest.param(*row, marks=() if row[0] in in_make_test else pytest.mark.long) for row in values]
