"""What ``demo`` shows: the drills of its chapters with bars, and what was shown in all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import to_builtins

from nexusdev.cli.output import OutputBlock, Rendered, Table, Text
from nexusdev.cli.rendering.drill import figure, story, target
from nexusdev.drills.verdict import Measurement, Round
from nexusdev.operations.demo import DemoCleanResult, DemoResult
from nexusdev.operations.drill import DrillReport, DrillResult
from nexusdev.util.humanize import duration

_BARS = " ▁▂▃▄▅▆▇█"
#: Columns for the bars: with the name of a client beside them a line has less than 80.
_COURSE = 52
_NAME = 22


def drilled(result: DrillResult) -> Iterable[OutputBlock]:
    """Yield what a drill measured: a course per client, then the figures that a person looks for."""
    for report in result.drills:
        for found, rows in zip(report.rounds, report.findings, strict=True):
            yield story(report.scenario, found)
            yield ""
            yield from courses(found)
            yield ""
            yield _figures(report, rows)


def courses(found: Round) -> Iterable[str]:
    """Yield a line of bars per client: the writes that were acknowledged in each moment, or the reads of one that only reads."""
    begin, end = found.charted
    for name, writes, reads in found.charts:
        yield f"{name:<{_NAME}} {bars(writes or reads, _COURSE)}"
    if found.charts and end > begin:
        at = max(min(round(-begin / (end - begin) * _COURSE), _COURSE - 1), 0)
        yield f"{f'{end - begin:.0f} s; ^ the fault':<{_NAME}} {' ' * at}^"


def bars(counts: Sequence[int], width: int) -> str:
    """Return a course of at most ``width`` bars; a moment without any is blank."""
    if not counts:
        return ""
    width = min(width, len(counts))
    parts = [counts[number * len(counts) // width : (number + 1) * len(counts) // width] for number in range(width)]
    means = [sum(part) / len(part) for part in parts]
    most = max(means) or 1.0
    return "".join(_BARS[-(-int(mean * 1000) * (len(_BARS) - 1) // int(most * 1000))] for mean in means)


def _figures(report: DrillReport, rows: Sequence[Measurement]) -> Table:
    """The longest gaps, lost writes and the time to recover. Errors that a client sees meanwhile have no target."""
    shown = [each for each in rows if each.target is not None]
    cells = tuple(
        (each.what, Text(figure(each.measured, each.unit), "good" if each.met else "bad"), target(each))
        for each in shown
    )
    return Table(columns=(report.scenario.name, "measured", "target"), rows=cells)


def _demo(result: DemoResult) -> Rendered:
    rows = tuple(
        (each.name, Text("failed", "bad") if each.failure else Text("shown", "good"), duration(each.seconds))
        for each in result.chapters
    )
    left_out = tuple((name, Text("left out", "dim"), why) for name, why in result.skipped.items())
    output: list[OutputBlock] = ["", Table(columns=("chapter", "", ""), rows=(*rows, *left_out))]
    if result.sample_data:
        output += ["", "nexusdev demo --clean   remove the sample data of the shop"]
    data: dict[str, Any] = {
        "chapters": [to_builtins(each) for each in result.chapters],
        "skipped": dict(result.skipped),
        "sample_data": result.sample_data,
    }
    return Rendered(data=data, output=tuple(output))


def _clean(result: DemoCleanResult) -> Rendered:
    del result
    return Rendered(output=("the sample data of the demo is removed",))


RENDERERS = {DemoResult: _demo, DemoCleanResult: _clean}
