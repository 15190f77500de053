"""What samples say: their distribution, and which span made a round slow. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class Distribution(Struct, frozen=True, kw_only=True):
    """Samples of one act, in seconds."""

    median: float
    least: float
    most: float
    rounds: int

    @property
    def tail(self) -> float:
        """The slowest round as a multiple of the median."""
        return self.most / self.median


def distribution(samples: Sequence[float]) -> Distribution:
    """The distribution of at least one sample."""
    return Distribution(median=statistics.median(samples), least=min(samples), most=max(samples), rounds=len(samples))


class Excess(Struct, frozen=True, kw_only=True):
    """A span that took longer in one round than it usually does; seconds."""

    name: str
    seconds: float
    usual: float

    @property
    def over(self) -> float:
        return self.seconds - self.usual


def excesses(rounds: Sequence[Mapping[str, Any]], *, least: float = 1.0) -> tuple[Excess, ...]:
    """Which spans of the slowest round exceed their median over all rounds, the largest excess first.

    Args:
        rounds: the data of ``nexusdev timings --json``, one per round.
        least: seconds below which an excess is not worth a line.

    A wait is named for what it waited for, so a span that most rounds do not have counts as usually 0 s.
    """
    durations = [_by_name(each) for each in rounds]
    slowest = max(range(len(rounds)), key=lambda at: float(rounds[at]["total"]))
    found = [
        Excess(name=name, seconds=seconds, usual=statistics.median(each.get(name, 0.0) for each in durations))
        for name, seconds in durations[slowest].items()
    ]
    return tuple(sorted((each for each in found if each.over >= least), key=lambda each: -each.over))


def _by_name(timings: Mapping[str, Any]) -> dict[str, float]:
    """Span → seconds; a name that occurs more than once is the sum."""
    found: dict[str, float] = {}
    for span in timings["spans"]:
        found[span["name"]] = found.get(span["name"], 0.0) + float(span["seconds"])
    return found


def slowest_component(timings: Mapping[str, Any]) -> tuple[str, float]:
    """The component that took longest from the first of its waits to the last, and the seconds."""
    waits = [span for span in timings["spans"] if span["kind"] == "wait"]
    took = {
        name: max(each["ended"] for each in own) - min(each["began"] for each in own)
        for name in {each["component"] for each in waits}
        if (own := [each for each in waits if each["component"] == name])
    }
    name = max(took, key=lambda each: took[each])
    return name, float(took[name])
