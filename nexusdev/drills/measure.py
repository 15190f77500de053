"""What the operations of clients say about a failure: gaps, errors, lost writes. Pure; all times are of one monotonic clock, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from nexusdev.drills.history import RegisterRead, RegisterWrite


class Doing(StrEnum):
    """What an operation does."""

    WRITE = "write"
    READ = "read"


class Operation(Struct, frozen=True, kw_only=True):
    """One operation of one client that has ended.

    Attributes:
        doing: Write or read.
        value: What was written or read; None for a read of nothing.
        began: When it was sent.
        ended: When it was answered, or failed.
        error: Why it failed; '' if it was acknowledged or answered.
    """

    doing: Doing
    began: float
    ended: float
    value: int | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


class ClientReport(Struct, frozen=True, kw_only=True):
    """What one kind of client noticed.

    Attributes:
        name: Component and kind: ``postgres.pool``.
        writes: Acknowledged writes in all.
        reads: Answered reads in all.
        write_gap: Longest time without an acknowledged write after the fault, in seconds; None if it does not write.
        read_gap: The same of reads; None if it does not read.
        usual_gap: Longest time without an answer before the fault: what this machine does at rest.
        errors: Failed operations after the fault.
        kinds_of_error: The most frequent messages, with how often each came.
        lost: Acknowledged writes that are gone; None if they could not be looked up.
        violations: What contradicts one order of its reads and writes; None where there is no register.
        worked_again: Whether its last operations were acknowledged.
    """

    name: str
    writes: int = 0
    reads: int = 0
    write_gap: float | None = None
    read_gap: float | None = None
    usual_gap: float = 0.0
    errors: int = 0
    kinds_of_error: tuple[tuple[str, int], ...] = ()
    lost: int | None = None
    violations: tuple[str, ...] | None = None
    worked_again: bool = True


def longest_gap(operations: Iterable[Operation], *, begin: float, end: float) -> float:
    """Return the longest time between two acknowledgements within a range of time.

    Args:
        operations: Those of one doing, in the order of their ends.
        begin: The range begins here; the last acknowledgement before it counts as its beginning if there is one.
        end: The range ends here: what was not acknowledged until then counts as a gap up to it.
    """
    acknowledged = [each.ended for each in operations if each.ok]
    before = [at for at in acknowledged if at <= begin]
    within = [at for at in acknowledged if begin < at <= end]
    points = [before[-1] if before else begin, *within, end]
    return max(later - earlier for earlier, later in pairwise(points))


def rate(operations: Sequence[Operation], *, begin: float, end: float, buckets: int) -> list[int]:
    """Return how many operations were acknowledged in each of some equal parts of a range of time."""
    counts = [0] * buckets
    width = (end - begin) / buckets if buckets else 0.0
    for each in operations:
        if each.ok and begin <= each.ended < end and width > 0:
            counts[min(int((each.ended - begin) / width), buckets - 1)] += 1
    return counts


def kinds_of_error(operations: Iterable[Operation], *, most: int = 5) -> tuple[tuple[str, int], ...]:
    """Return the most frequent messages of failures, with how often each came. Only the first line of a message counts."""
    counts: dict[str, int] = {}
    for each in operations:
        if each.error:
            words = each.error.splitlines()[0]
            counts[words] = counts.get(words, 0) + 1
    return tuple(sorted(counts.items(), key=lambda item: -item[1])[:most])


def acknowledged(operations: Iterable[Operation]) -> set[int]:
    """Return the values whose write was acknowledged."""
    return {each.value for each in operations if each.ok and each.doing is Doing.WRITE and each.value is not None}


def register_writes(operations: Iterable[Operation]) -> list[RegisterWrite]:
    """Return the writes for the check of the history. A failed one may take effect later, or never."""
    return [
        RegisterWrite(value=each.value, began=each.began, ended=each.ended if each.ok else math.inf)
        for each in operations
        if each.doing is Doing.WRITE and each.value is not None
    ]


def register_reads(operations: Iterable[Operation]) -> list[RegisterRead]:
    """Return the answered reads for the check of the history."""
    return [
        RegisterRead(value=each.value, began=each.began, ended=each.ended)
        for each in operations
        if each.doing is Doing.READ and each.ok
    ]
