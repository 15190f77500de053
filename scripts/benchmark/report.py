"""docs/benchmarks.md from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scripts.benchmark import rounds as acts
from scripts.benchmark.costs import Cost, Idle
from scripts.benchmark.figures import Distribution, Excess

Row = tuple[str, str, str, str]
#: The last section: written by ``--cold``, kept by every other run.
COLD = "## From nothing"
_WORTH_A_ROW = 0.003


class Measured(Struct, frozen=True, kw_only=True):
    """One run of the benchmark.

    acts     act → its distribution
    slowest  the component that took longest in the last ``up``, and its seconds
    excess   which spans made the slowest ``up`` slow
    """

    machine: str
    date: str
    acts: Mapping[str, Distribution]
    slowest: tuple[str, float]
    excess: Sequence[Excess]
    full: Idle
    core: Idle

    def median(self, act: str) -> float:
        return self.acts[act].median


class Cold(Struct, frozen=True, kw_only=True):
    """`make up` from nothing, and what it is compared with; seconds."""

    machine: str
    date: str
    make_up: float
    go_builds: float


def page(measured: Measured, *, cold: str) -> str:
    """The whole page; ``cold`` is the section that another run wrote, or ''."""
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {measured.date}: {measured.machine}. Medians (least to most) of alternating rounds in one run;",
        "on a shared machine only the ratios mean something.",
        "",
        "- **The floor**: the same containers created and started with no waiting at all.",
        "- **Compose, tuned**: `docker compose up --wait` with an override that checks health every 2 s and has a `start_period`",
        "  (`start_interval` on engines that have it). As the files stand, Compose waits at least one interval of healthchecks that are for display.",
        "- **An empty Python process**: `python -c pass`, in the same run.",
        "",
        *_table(("act", "here", "beside", "promise"), (*_ups(measured), *_commands(measured), *_idle(measured))),
        "",
        *_tail(measured),
        *_consumers(measured.full),
    ]
    return "\n".join([*lines, cold or _no_cold(), ""])


def _ups(measured: Measured) -> Sequence[Row]:
    up, floor = measured.median(acts.UP), measured.median(acts.FLOOR)
    stands, tuned = measured.median(acts.PEER), measured.median(acts.TUNED)
    name, own = measured.slowest
    count = measured.full.containers
    return (
        (
            "`up`, images and data present",
            seconds(measured.acts[acts.UP]),
            f"{up / tuned:.2f} × Compose, tuned ({seconds(measured.acts[acts.TUNED])})",
            "≤ 0.6 ×",
        ),
        ("", "", f"{up / stands:.2f} × Compose as the files stand ({seconds(measured.acts[acts.PEER])})", ""),
        (
            "",
            "",
            f"{up / floor:.2f} × the floor of {count} containers ({seconds(measured.acts[acts.FLOOR])})",
            "≤ 1.0 ×",
        ),
        ("", "", f"{up / (floor + own):.2f} × (floor + {name}'s own start {own:.1f} s)", ""),
        (
            "its slowest round",
            f"{measured.acts[acts.UP].most:.1f} s",
            f"{measured.acts[acts.UP].tail:.2f} × the median",
            "≤ 1.3 ×",
        ),
        _beside_floor("`up`, images present, no data yet", acts.FIRST, measured, "≤ 1.8 ×"),
        _beside_floor("`down`", acts.DOWN, measured, "≤ 0.4 ×"),
        (
            "`up` without monitoring",
            seconds(measured.acts[acts.CORE]),
            f"with it: {up / measured.median(acts.CORE):.2f} ×",
            "no longer than its slowest part",
        ),
    )


def _beside_floor(name: str, act: str, measured: Measured, promise: str) -> Row:
    ratio = measured.median(act) / measured.median(acts.FLOOR)
    return (name, seconds(measured.acts[act]), f"{ratio:.2f} × the floor", promise)


def _commands(measured: Measured) -> Sequence[Row]:
    promises = {
        "`up`, nothing to do; 0 containers touched": (acts.AGAIN, "≤ 350 ms or 20 ×"),
        "`status`": (acts.STATUS, "≤ 400 ms or 20 ×"),
        "`env`, proven": (acts.ENV, "≤ 120 ms"),
        "`--help`": (acts.HELP, "≤ 100 ms"),
    }
    empty = measured.acts[acts.PYTHON]
    return tuple(
        (
            name,
            milliseconds(measured.acts[act]),
            f"{measured.median(act) / empty.median:.1f} × an empty Python process ({milliseconds(empty)})",
            promise,
        )
        for name, (act, promise) in promises.items()
    )


def _idle(measured: Measured) -> Sequence[Row]:
    full, core = measured.full.total, measured.core.total
    return (
        (
            f"the idle stack, {measured.full.containers} containers",
            f"{full.cores:.2f} cores, {full.mebibytes / 1024:.1f} GiB",
            f"and the engine's own processes {measured.full.engine:.2f} cores",
            "≤ 0.15 cores, < 1.2 GiB",
        ),
        (
            "what monitoring adds to it",
            f"{full.cores - core.cores:.2f} cores, {full.mebibytes - core.mebibytes:.0f} MiB",
            f"{full.cores / core.cores:.2f} × the processors, {full.mebibytes / core.mebibytes:.2f} × the memory of the rest",
            "< 0.1 cores, < 400 MiB",
        ),
    )


def _tail(measured: Measured) -> Sequence[str]:
    """Why the slowest round was slow."""
    if not measured.excess:
        return ()
    rows = tuple((f"`{each.name}`", f"{each.seconds:.1f} s", f"{each.usual:.1f} s") for each in measured.excess[:5])
    slow, usual = measured.acts[acts.UP].most, measured.median(acts.UP)
    return (
        "## The slowest `up`",
        "",
        f"{slow:.1f} s, where the median is {usual:.1f} s: what took at least a second longer in it than usual.",
        "",
        *_table(("span", "there", "usually"), rows),
        "",
    )


def _consumers(idle: Idle) -> Sequence[str]:
    """What the idle stack spends its time on, group by group."""
    ordered = sorted(idle.groups.items(), key=lambda item: -item[1].cores)
    rows = [_consumer(name, cost) for name, cost in ordered if cost.cores >= _WORTH_A_ROW]
    rest = [cost for _, cost in ordered if cost.cores < _WORTH_A_ROW]
    if rest:
        both = Cost(cores=sum(each.cores for each in rest), mebibytes=sum(each.mebibytes for each in rest))
        rows.append(_consumer("the others", both))
    return ("## The idle stack", "", *_table(("services", "cores", "MiB"), rows), "")


def _consumer(name: str, cost: Cost) -> tuple[str, str, str]:
    return (name, f"{cost.cores:.3f}", f"{cost.mebibytes:.0f}")


def cold_section(cold: Cold) -> str:
    """The section that says what the first `make up` on a new machine costs."""
    rows = (
        (
            "`make up` from nothing, without a registry",
            minutes(cold.make_up),
            f"{cold.make_up / cold.go_builds:.2f} × the two Go builds alone ({minutes(cold.go_builds)})",
            "≤ 1.2 ×",
        ),
    )
    lines = (
        COLD,
        "",
        f"Written by `make bench ARGS=--cold` on {cold.date}: {cold.machine}. A checkout without `.venv` and an engine without any image of",
        "nexusdev: `make up`, with every image built here. Then the images of MinIO and Vault and the compiler's cache are removed, and these",
        "two are built again.",
        "",
        *_table(("act", "here", "beside", "promise"), rows),
    )
    return "\n".join(lines)


def _no_cold() -> str:
    return f"{COLD}\n\nNot measured yet on this machine: `make bench ARGS=--cold` does, and takes as long as it says."


def kept_cold(page: str) -> str:
    """The section of an existing page that only ``--cold`` writes; '' where there is none."""
    _, found, rest = page.partition(f"\n{COLD}\n")
    return f"{COLD}\n{rest}".strip() if found else ""


def with_cold(page: str, section: str) -> str:
    """The page with this section as its last."""
    return f"{page.partition(COLD)[0].rstrip()}\n\n{section}\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[str]:
    return (
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    )


def seconds(found: Distribution) -> str:
    """``12.3 s (11.0 to 15.1, 3 rounds)``, or the one value."""
    if found.rounds == 1:
        return f"{found.median:.1f} s"
    return f"{found.median:.1f} s ({found.least:.1f} to {found.most:.1f}, {found.rounds} rounds)"


def milliseconds(found: Distribution) -> str:
    """``84 ms (80 to 101)``."""
    return f"{found.median * 1000:.0f} ms ({found.least * 1000:.0f} to {found.most * 1000:.0f})"


def minutes(taken: float) -> str:
    """``23 min 10 s``."""
    return f"{int(taken // 60)} min {int(taken % 60)} s"
