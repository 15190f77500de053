"""What each act cost, beside what, and whether its promise is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scripts.benchmark import rounds as acts
from scripts.benchmark.costs import Idle
from scripts.benchmark.figures import Distribution, Excess

_TITLES = {
    acts.TUNED: "Compose, tuned",
    acts.PEER: "Compose",
    acts.FLOOR: "the floor",
    acts.CORE: "`up --profile core`",
}
_TAIL = 1.3
_IDLE_CORES, _IDLE_MEBIBYTES = 0.15, 1229
_MONITORING_CORES, _MONITORING_MEBIBYTES = 0.1, 400


class Measured(Struct, frozen=True, kw_only=True):
    """One run of the benchmark.

    Attributes:
        tree: what was measured, as ``git describe`` names it.
        acts: act → its distribution.
        slowest: the component that took longest in the last ``up``, and its seconds.
        excess: which spans made the slowest ``up`` slow.
        full: the idle stack with monitoring.
        core: the idle stack without it.
    """

    tree: str
    machine: str
    date: str
    acts: Mapping[str, Distribution]
    slowest: tuple[str, float]
    excess: tuple[Excess, ...]
    full: Idle
    core: Idle

    def median(self, act: str) -> float:
        return self.acts[act].median

    def ratio(self, act: str, beside: str) -> float:
        """The median of one act as a multiple of another's."""
        return self.median(act) / self.median(beside)


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table.

    Attributes:
        act: what was done.
        here: what it cost.
        beside: the same as a multiple of something else; '' where there is nothing to compare with.
        promise: '' where nothing is promised.
        kept: whether the promise is kept; None where nothing is promised.
    """

    act: str
    here: str
    beside: str = ""
    promise: str = ""
    kept: bool | None = None


def rows(measured: Measured) -> Sequence[Row]:
    """All rows. Two runs give the same acts in the same order."""
    return (*_ups(measured), *_commands(measured), *_idle(measured))


def _ups(measured: Measured) -> Sequence[Row]:
    name, own = measured.slowest
    up, floor = measured.median(acts.UP), measured.median(acts.FLOOR)
    return (
        _beside(measured, "`up`, images and data present", acts.UP, acts.TUNED, 0.6),
        _beside(measured, "the same, beside Compose as the files stand", acts.UP, acts.PEER),
        _beside(measured, "the same, beside the floor", acts.UP, acts.FLOOR),
        Row(
            act="the same, beside the floor and the slowest component",
            here=seconds(measured.acts[acts.UP]),
            beside=f"{up / (floor + own):.2f} × (the floor + {own:.1f} s of {name})",
        ),
        _tail(measured),
        _beside(measured, "`up`, images present, no data yet", acts.FIRST, acts.FLOOR, 1.8),
        _beside(measured, "`down`", acts.DOWN, acts.FLOOR, 0.4),
        _beside(measured, "`up` with monitoring", acts.UP, acts.CORE),
    )


def _beside(measured: Measured, name: str, act: str, other: str, limit: float | None = None) -> Row:
    ratio = measured.ratio(act, other)
    return Row(
        act=name,
        here=seconds(measured.acts[act]),
        beside=f"{ratio:.2f} × {_TITLES[other]} ({measured.median(other):.1f} s)",
        promise=f"≤ {limit} ×" if limit else "",
        kept=round(ratio, 2) <= limit if limit else None,
    )


def _tail(measured: Measured) -> Row:
    found = measured.acts[acts.UP]
    return Row(
        act="the slowest `up` with data",
        here=f"{found.most:.1f} s of {found.rounds} rounds",
        beside=f"{found.tail:.2f} × the median",
        promise=f"≤ {_TAIL} ×",
        kept=round(found.tail, 2) <= _TAIL,
    )


def _commands(measured: Measured) -> Sequence[Row]:
    return (
        _command(measured, "`up`, nothing to do; 0 containers touched", acts.AGAIN, 350, 20),
        _command(measured, "`status`", acts.STATUS, 400, 20),
        _command(measured, "`env`, proven", acts.ENV, 120),
        _command(measured, "`--help`", acts.HELP, 100),
    )


def _command(measured: Measured, name: str, act: str, limit: int, multiple: int | None = None) -> Row:
    took, ratio = measured.median(act) * 1000, measured.ratio(act, acts.PYTHON)
    return Row(
        act=name,
        here=milliseconds(measured.acts[act]),
        beside=f"{ratio:.1f} × an empty Python process ({measured.median(acts.PYTHON) * 1000:.0f} ms)",
        promise=f"≤ {limit} ms" + (f" or {multiple} ×" if multiple else ""),
        kept=round(took) <= limit or (multiple is not None and round(ratio, 1) <= multiple),
    )


def _idle(measured: Measured) -> Sequence[Row]:
    full, core = measured.full.total, measured.core.total
    added, more = full.cores - core.cores, full.mebibytes - core.mebibytes
    return (
        Row(
            act="the idle stack",
            here=f"{full.cores:.3f} cores, {full.mebibytes / 1024:.2f} GiB",
            beside=f"{measured.full.containers} containers; the engine itself {measured.full.engine:.3f} cores",
            promise=f"≤ {_IDLE_CORES} cores, < {_IDLE_MEBIBYTES / 1024:.1f} GiB",
            kept=round(full.cores, 3) <= _IDLE_CORES and full.mebibytes < _IDLE_MEBIBYTES,
        ),
        Row(
            act="what monitoring adds to it",
            here=f"{added:.3f} cores, {more:.0f} MiB",
            beside=f"{full.cores / core.cores:.2f} × the processors, {full.mebibytes / core.mebibytes:.2f} × the memory of the rest",
            promise=f"< {_MONITORING_CORES} cores, < {_MONITORING_MEBIBYTES} MiB",
            kept=added < _MONITORING_CORES and more < _MONITORING_MEBIBYTES,
        ),
    )


def seconds(found: Distribution) -> str:
    """``12.3 s (11.0 to 15.1, 3 rounds)``, or the one value."""
    if found.rounds == 1:
        return f"{found.median:.1f} s"
    return f"{found.median:.1f} s ({found.least:.1f} to {found.most:.1f}, {found.rounds} rounds)"


def milliseconds(found: Distribution) -> str:
    """``84 ms (80 to 101)``."""
    return f"{found.median * 1000:.0f} ms ({found.least * 1000:.0f} to {found.most * 1000:.0f})"
