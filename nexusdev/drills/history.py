"""Checks whether the history of one register is linearizable: its reads and writes fit into one order that agrees with real time. Pure.

Every value is written once, so the question is decidable in polynomial time (Gibbons and Korach, "Testing shared memories", SIAM J. Comput.
26, 1997, theorem 4.5). The operations of one value form a cluster. Its zone is the time between the earliest end and the latest begin of
its operations. If the earliest end comes first (a *forward* zone), the value must have been in the register during the whole zone.
Otherwise (a *backward* zone) all its operations overlap, and the value needs one moment only. A history is linearizable if and only if no
read ends before its value's write begins, no two forward zones overlap, and no backward zone lies inside a forward zone of another value.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct


class RegisterWrite(Struct, frozen=True, kw_only=True):
    """A write of a value that no other write writes.

    Attributes:
        ended: When it was acknowledged; infinite if it was not, as it may take effect at any time or never.
    """

    value: int
    began: float
    ended: float = math.inf


class RegisterRead(Struct, frozen=True, kw_only=True):
    """A read that was answered. ``value``: None for the register before the first write."""

    value: int | None
    began: float
    ended: float


class Violation(Struct, frozen=True, kw_only=True):
    """Why a history is not linearizable.

    Attributes:
        at: When, in the time of the history.
        what: A sentence.
    """

    at: float
    what: str


class Zone(Struct, frozen=True, kw_only=True):
    """The zone of one value. It is a forward zone if ``first_end`` < ``last_begin``."""

    value: int | None
    first_end: float
    last_begin: float

    @property
    def forward(self) -> bool:
        return self.first_end < self.last_begin

    @property
    def low(self) -> float:
        return min(self.first_end, self.last_begin)

    @property
    def high(self) -> float:
        return max(self.first_end, self.last_begin)


def violations(writes: Sequence[RegisterWrite], reads: Sequence[RegisterRead]) -> tuple[Violation, ...]:
    """Return what contradicts one order of all operations; empty if the history is linearizable.

    Args:
        writes: The writes; their values differ.
        reads: The reads that were answered.
    """
    # The value before all writes was written by an operation that ended before everything else.
    start = RegisterWrite(value=-1, began=-math.inf, ended=-math.inf)
    written: dict[int | None, RegisterWrite] = {None: start, **{each.value: each for each in writes}}
    by_value: dict[int | None, list[RegisterRead]] = defaultdict(list)
    found = []
    for read in reads:
        write = written.get(read.value)
        if write is None:
            found.append(Violation(at=read.ended, what=f"read {read.value}, which nobody wrote"))
        elif read.ended < write.began:
            found.append(Violation(at=read.ended, what=f"read {read.value} before it was written"))
        else:
            by_value[read.value].append(read)
    zones = [zone(value, write, by_value[value]) for value, write in written.items() if _counts(write, by_value[value])]
    return tuple(sorted((*found, *conflicts(zones)), key=lambda each: each.at))


def zone(value: int | None, write: RegisterWrite, reads: Sequence[RegisterRead]) -> Zone:
    """Return the zone of a value."""
    return Zone(
        value=value,
        first_end=min((write.ended, *(each.ended for each in reads))),
        last_begin=max((write.began, *(each.began for each in reads))),
    )


def conflicts(zones: Sequence[Zone]) -> list[Violation]:
    """Return each pair of zones that contradict each other."""
    forward = sorted((each for each in zones if each.forward), key=lambda each: each.low)
    found = [_stale(before, after) for before, after in pairwise(forward) if after.low < before.high]
    lows = [each.low for each in forward]
    for each in zones:
        if not each.forward:
            around = _around(each, forward, lows)
            if around is not None:
                found.append(
                    Violation(at=each.high, what=f"{_said(around)} was read before and after {_said(each)} was written")
                )
    return found


def _around(backward: Zone, forward: Sequence[Zone], lows: Sequence[float]) -> Zone | None:
    """Return the forward zone that a backward zone lies in. Only the last one that begins before it can contain it, as they do not overlap."""
    place = bisect_left(lows, backward.low) - 1
    if place < 0 or forward[place].value == backward.value:
        return None
    return forward[place] if backward.high < forward[place].high else None


def _stale(before: Zone, after: Zone) -> Violation:
    return Violation(
        at=min(before.high, after.high),
        what=f"{_said(before)} and {_said(after)} were both in the register at the same time: one of the reads was stale",
    )


def _said(each: Zone) -> str:
    return "the value of the beginning" if each.value is None else str(each.value)


def _counts(write: RegisterWrite, reads: Sequence[RegisterRead]) -> bool:
    """A write that was neither acknowledged nor read may never have happened."""
    return bool(reads) or math.isfinite(write.ended)
