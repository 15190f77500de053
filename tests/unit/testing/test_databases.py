"""Things that are made one ahead of their use, and dropped in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from nexusdev.testing.databases import Ahead


class Maker:
    """Numbers things; remembers which of them exist. ``refuses``: the number of a thing that cannot be made."""

    def __init__(self, *, refuses: int = 0) -> None:
        self.existing: set[int] = set()
        self._numbers = count(1)
        self._refuses = refuses

    @contextmanager
    def __call__(self) -> Iterator[int]:
        number = next(self._numbers)
        if number == self._refuses:
            raise OSError(f"{number} cannot be made")
        self.existing.add(number)
        yield number
        self.existing.remove(number)


def test_each_user_gets_its_own_resource_and_all_are_dropped() -> None:
    maker = Maker()
    ahead = Ahead(maker)
    taken = [ahead.take() for _ in range(3)]
    assert [number for number, _ in taken] == [1, 2, 3]
    for _, context in taken:
        ahead.give_back(context)
    ahead.close()
    assert maker.existing == set()


def test_a_failed_creation_is_an_error_only_for_its_user() -> None:
    maker = Maker(refuses=2)
    ahead = Ahead(maker)
    _, first = ahead.take()
    with pytest.raises(OSError, match="2 cannot be made"):
        ahead.take()
    number, third = ahead.take()
    assert number == 3
    for each in (first, third):
        ahead.give_back(each)
    ahead.close()
    assert maker.existing == set()


def test_unused_resources_are_dropped() -> None:
    maker = Maker()
    Ahead(maker).close()
    assert maker.existing == set()


def test_an_error_while_dropping_is_raised_at_the_end() -> None:
    @contextmanager
    def make() -> Iterator[int]:
        yield 1
        raise OSError("cannot be dropped")

    ahead = Ahead(make)
    with suppress(StopIteration):
        ahead.give_back(ahead.take()[1])
    with pytest.raises(OSError, match="cannot be dropped"):
        ahead.close()
