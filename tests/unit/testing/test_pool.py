"""Things that are made ahead of their use, and dropped or cleaned in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from nexusdev.testing.pool import Pool


class Maker:
    """Numbers things; remembers which of them exist. ``refuses``: the number of a thing that cannot be made."""

    def __init__(self, *, refuses: int = 0) -> None:
        self.existing: set[int] = set()
        self.refused = False
        self._numbers = count(1)
        self._refuses = refuses

    @contextmanager
    def __call__(self) -> Iterator[int]:
        number = next(self._numbers)
        if number == self._refuses:
            self.refused = True
            raise OSError(f"{number} cannot be made")
        self.existing.add(number)
        yield number
        self.existing.remove(number)


class Cleaner:
    """Cleans when it is allowed to. ``refuses``: the number of a thing that cannot be cleaned."""

    def __init__(self, *, refuses: int = 0) -> None:
        self.allowed = threading.Event()
        self.cleaned: list[int] = []
        self._refuses = refuses

    def __call__(self, number: int) -> None:
        assert self.allowed.wait(30)
        if number == self._refuses:
            raise OSError(f"{number} cannot be cleaned")
        self.cleaned.append(number)


def test_a_cleaned_resource_is_used_again() -> None:
    maker, cleaner = Maker(), Cleaner()
    pool = Pool(maker, clean=cleaner)
    cleaner.allowed.set()
    first = pool.take()
    pool.give_back(first)
    while not cleaner.cleaned:
        time.sleep(0.001)
    assert pool.take().value == first.value
    assert maker.existing == {1}
    pool.close()
    first.context.close()


def test_a_test_that_waits_for_the_cleaning_makes_another_resource_for_the_next_one() -> None:
    maker, cleaner = Maker(), Cleaner()
    pool = Pool(maker, clean=cleaner)
    pool.give_back(pool.take())
    threading.Timer(0.2, cleaner.allowed.set).start()
    second = pool.take()
    assert cleaner.cleaned == [1]
    pool.give_back(second)
    third = pool.take()
    assert maker.existing == {1, 2}
    pool.give_back(third)
    pool.close()
    assert maker.existing == set()


def test_a_resource_that_cannot_be_cleaned_is_dropped_and_nobody_gets_it() -> None:
    maker, cleaner = Maker(), Cleaner(refuses=1)
    cleaner.allowed.set()
    pool = Pool(maker, clean=cleaner)
    pool.give_back(pool.take())
    second = pool.take()
    assert second.value != 1
    pool.give_back(second)
    pool.close()
    assert maker.existing == set()


def test_more_are_ahead_when_tests_had_to_wait() -> None:
    maker = Maker()
    pool = Pool(maker, most=4)
    used = [pool.take() for _ in range(8)]
    end = time.monotonic() + 30
    while len(maker.existing) < 8 + 1:
        assert time.monotonic() < end
        time.sleep(0.001)
    for each in used:
        pool.give_back(each)
    pool.close()
    assert maker.existing == set()


def test_no_more_are_ahead_than_will_be_taken() -> None:
    maker = Maker()
    pool = Pool(maker, expected=2)
    first = pool.take()
    second = pool.take()
    assert maker.existing == {1, 2}
    third = pool.take()  # as when a failed test is repeated
    for each in (first, second, third):
        pool.give_back(each)
    pool.close()
    assert (maker.existing, third.value) == (set(), 3)


def test_each_user_gets_its_own_resource_and_all_are_dropped() -> None:
    maker = Maker()
    pool = Pool(maker)
    taken = [pool.take() for _ in range(3)]
    assert len({thing.value for thing in taken}) == 3
    for thing in taken:
        pool.give_back(thing)
    pool.close()
    assert maker.existing == set()


def test_a_failed_creation_is_an_error_only_for_its_user() -> None:
    maker = Maker(refuses=1)
    pool = Pool(maker)
    with pytest.raises(OSError, match="1 cannot be made"):
        pool.take()
    second = pool.take()
    assert second.value != 1
    pool.give_back(second)
    pool.close()
    assert maker.existing == set()


def test_what_failed_before_somebody_asked_for_it_is_made_again() -> None:
    maker = Maker(refuses=2)
    pool = Pool(maker)
    first = pool.take()
    while not maker.refused:
        time.sleep(0.001)
    third = pool.take()
    assert third.value > 2
    for each in (first, third):
        pool.give_back(each)
    pool.close()
    assert maker.existing == set()


def test_unused_resources_are_dropped() -> None:
    maker = Maker()
    Pool(maker).close()
    assert maker.existing == set()


def test_an_error_while_dropping_is_raised_at_the_end() -> None:
    @contextmanager
    def make() -> Iterator[int]:
        yield 1
        raise OSError("cannot be dropped")

    pool = Pool(make)
    with suppress(StopIteration):
        pool.give_back(pool.take())
    with pytest.raises(OSError, match="cannot be dropped"):
        pool.close()
