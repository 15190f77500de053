"""docs/benchmarks.md from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from scripts.benchmark import rounds as acts
from scripts.benchmark.costs import Cost, Idle
from scripts.benchmark.rows import Measured, Row, rows

#: The last section: written by ``--cold``, kept by every other run.
COLD = "## From nothing"
_WORTH_A_ROW = 0.003
_COLD = 1.2
_MEASURED = (
    "A checkout without `.venv` and an engine without any image of nexusdev: `make up`, with every image built here. Then the images of",
    "MinIO and Vault and the compiler's cache are removed, and these two are built again.",
)
_RECORDED = (
    "Read from the output of a first run (`--cold-record`): a checkout without `.venv` and a machine without any image, every image built",
    "here. The Go builds of MinIO and Vault run side by side, and beside the other images: their time is until the later one was done.",
    "They take less alone, so that this ratio is too small to judge the promise by.",
)
_KEPT = {None: "", True: "kept", False: "**missed**"}


class Cold(Struct, frozen=True, kw_only=True):
    """A first run on a machine without images, and what it is compared with; seconds.

    Attributes:
        command: ``make up`` or ``make images``.
        total: of the whole command.
        go_builds: of the two Go builds.
        recorded: whether both are from one kept output, in which the Go builds share the processors with the other images.
    """

    machine: str
    date: str
    command: str
    total: float
    go_builds: float
    recorded: bool = False


def page(measured: Measured, *, before: Measured | None, cold: str) -> str:
    """The whole page.

    Args:
        measured: this run.
        before: an earlier run that stands beside it, if there is one.
        cold: the section that another run wrote, or ''.
    """
    found = [*rows(measured), *(_beside_former_floor(measured, before) if before else ())]
    lines = [
        "# Benchmarks",
        "",
        *_introduction(measured, before),
        "",
        *_promises(found),
        "",
        *_acts(found, rows(before) if before else ()),
        "",
        *_tail(measured),
        *_consumers(measured.full, before.full if before else None),
    ]
    return "\n".join([*lines, cold or _no_cold(), ""])


def _introduction(measured: Measured, before: Measured | None) -> Sequence[str]:
    return (
        f"Written by `make bench` on {measured.date} at {measured.tree}: {measured.machine}. Medians (least to most) of alternating rounds",
        "in one run; on a shared machine only the ratios mean something.",
        *([f"Before: the same benchmark on {before.date} at {before.tree}: {before.machine}."] if before else ()),
        "",
        "- **The floor**: the same containers created and started with no waiting at all.",
        "- **Compose, tuned**: `docker compose up --wait` with an override that checks health every 2 s and has a `start_period`",
        "  (`start_interval` on engines that have it). As the files stand, Compose waits at least one interval of healthchecks that are for display.",
        "- **An empty Python process**: `python -c pass`, in the same run.",
    )


def _beside_former_floor(measured: Measured, before: Measured) -> Sequence[Row]:
    """Fewer containers lower the floor itself, which the ratio to one's own floor does not show."""
    former = before.median(acts.FLOOR)
    ratio = measured.median(acts.UP) / former
    return (
        Row(
            act="`up` with data, beside the floor before",
            here=f"{measured.median(acts.UP):.1f} s",
            beside=f"{ratio:.2f} × the floor of {before.full.containers} containers ({former:.1f} s)",
            promise="≤ 1.0 ×",
            kept=round(ratio, 2) <= 1.0,
        ),
    )


def _promises(found: Sequence[Row]) -> Sequence[str]:
    """Which promises are kept and which are missed, in a sentence each."""
    promised = [each for each in found if each.kept is not None]
    missed = [f"{each.act}: {each.beside or each.here}, promised {each.promise}" for each in promised if not each.kept]
    kept = sum(bool(each.kept) for each in promised)
    if not missed:
        return (f"All {kept} promises are kept.",)
    return (f"{kept} of {len(promised)} promises are kept. Missed:", "", *(f"- {each}" for each in missed))


def _acts(found: Sequence[Row], before: Sequence[Row]) -> Sequence[str]:
    if not before:
        cells = [(each.act, each.here, each.beside, each.promise, _KEPT[each.kept]) for each in found]
        return _table(("act", "here", "beside", "promise", ""), cells)
    former = {each.act: each for each in before}
    wide = [
        (each.act, each.here, each.beside, each.promise, _KEPT[each.kept], old.here, old.beside)
        for each in found
        for old in (former.get(each.act, Row(act=each.act, here="")),)
    ]
    return _table(("act", "here", "beside", "promise", "", "before", "before, beside"), wide)


def _tail(measured: Measured) -> Sequence[str]:
    """Why the slowest round was slow."""
    if not measured.excess:
        return ()
    spans = tuple((f"`{each.name}`", f"{each.seconds:.1f} s", f"{each.usual:.1f} s") for each in measured.excess[:5])
    slow, usual = measured.acts[acts.UP].most, measured.median(acts.UP)
    return (
        "## The slowest `up`",
        "",
        f"{slow:.1f} s, where the median is {usual:.1f} s: what took at least a second longer in it than usual.",
        "",
        *_table(("span", "there", "usually"), spans),
        "",
    )


def _consumers(idle: Idle, before: Idle | None) -> Sequence[str]:
    """What the idle stack spends its time on, group by group; small ones together."""
    former = before.groups if before else {}
    groups = sorted({*idle.groups, *former}, key=lambda name: -_cost(idle, name).cores)
    large = [name for name in groups if max(_cost(idle, name).cores, _cost(before, name).cores) >= _WORTH_A_ROW]
    small = [name for name in groups if name not in large]
    cells = [
        (title, *_consumer(idle, names), *(_consumer(before, names) if before else ()))
        for title, names in (*((name, [name]) for name in large), *([("the others", small)] if small else ()))
    ]
    head = ("services", "cores", "MiB", *(("cores before", "MiB before") if before else ()))
    return ("## The idle stack", "", *_table(head, cells), "")


def _cost(idle: Idle | None, name: str) -> Cost:
    return (idle.groups if idle else {}).get(name, Cost(cores=0, mebibytes=0))


def _consumer(idle: Idle, names: Sequence[str]) -> tuple[str, str]:
    if not any(name in idle.groups for name in names):
        return ("", "")
    costs = [_cost(idle, name) for name in names]
    return (f"{sum(each.cores for each in costs):.3f}", f"{sum(each.mebibytes for each in costs):.0f}")


def cold_section(cold: Cold) -> str:
    """The section that says what the first `make up` on a new machine costs."""
    beside = "the two Go builds in it" if cold.recorded else "the two Go builds alone"
    ratio = cold.total / cold.go_builds
    row = (
        f"`{cold.command}` from nothing, without a registry",
        minutes(cold.total),
        f"{ratio:.2f} × {beside} ({minutes(cold.go_builds)})",
        f"≤ {_COLD} ×",
        _KEPT[None if cold.recorded else round(ratio, 2) <= _COLD],
    )
    how = _RECORDED if cold.recorded else _MEASURED
    head = f"Written by `make bench` on {cold.date}: {cold.machine}."
    return "\n".join([COLD, "", head, *how, "", *_table(("act", "here", "beside", "promise", ""), (row,))])


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


def minutes(taken: float) -> str:
    """``23 min 10 s``."""
    return f"{int(taken // 60)} min {int(taken % 60)} s"
