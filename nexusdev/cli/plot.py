"""Lines over time: drawn on a terminal, in colours or by marks; elsewhere a row of text per line. The one home of plotext."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from nexusdev.cli import layout
from nexusdev.cli.layout import Page
from nexusdev.cli.output import Cell, Plot, Series, Table
from nexusdev.util.humanize import si

# Colours that differ on light and dark backgrounds, as in the logs; without colours each line has its own mark.
_COLORS = (6, 3, 2, 5, 4, 14, 11, 10, 13, 12)
_MARKS = "•+x*o#@%=~"
_MOST = len(_COLORS)
_HEIGHT, _NARROWEST, _WIDEST = 16, 30, 160
_BARS = "▁▂▃▄▅▆▇█"
_COURSE = 24
_HOUR, _DAY = 3600, 86400
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
_NUMBERS = ("least", "most", "last")


def plot(block: Plot, page: Page) -> Iterator[str]:
    """The lines of a plot, for a page."""
    if not page.terminal or page.width < _NARROWEST:
        yield from layout.table(_courses(block), page)
        return
    drawn = block.lines[:_MOST]
    yield from _drawing(block, drawn, page)
    yield from _legend(block, drawn, page)
    if left := len(block.lines) - len(drawn):
        yield f"{left} more {'is' if left == 1 else 'are'} not drawn: narrow the query, or use --json"


def _courses(block: Plot) -> Table:
    """A row per line, its course in a few small bars."""
    rows = tuple((*line.labels, *_numbers(line), course(line, block)) for line in block.lines)
    return Table(columns=(*block.columns, *_NUMBERS, "course"), rows=rows)


def _numbers(line: Series) -> tuple[str, ...]:
    values = [value for _, value in line.points if math.isfinite(value)]
    last = line.points[-1][1] if line.points else math.nan
    return (si(min(values)), si(max(values)), si(last)) if values else ("", "", si(last))


def course(line: Series, block: Plot) -> str:
    """The line as bars between its own least and most; a gap where it has no value."""
    width, length = _COURSE, max(block.end - block.begin, block.step)
    cells: list[list[float]] = [[] for _ in range(width)]
    for at, value in line.points:
        if math.isfinite(value):
            cells[min(max(int((at - block.begin) / length * width), 0), width - 1)].append(value)
    means = _carried(
        [sum(cell) / len(cell) if cell else None for cell in cells], cells_per_step=width * block.step / length
    )
    known = [each for each in means if each is not None]
    least, most = min(known, default=0.0), max(known, default=0.0)
    return "".join(" " if each is None else _BARS[_level(each, least, most)] for each in means)


def _carried(means: Sequence[float | None], *, cells_per_step: float) -> list[float | None]:
    """Where points are further apart than cells, a cell between two points shows the one before."""
    found: list[float | None] = []
    since = math.inf
    for each in means:
        since = 0 if each is not None else since + 1
        found.append(found[-1] if each is None and found and since < cells_per_step else each)
    return found


def _level(value: float, least: float, most: float) -> int:
    return round((value - least) / (most - least) * (len(_BARS) - 1)) if most > least else 0


def _drawing(block: Plot, lines: Sequence[Series], page: Page) -> Iterator[str]:
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(min(page.width, _WIDEST), _HEIGHT)
    for number, line in enumerate(lines):
        marker = "braille" if page.color or len(lines) == 1 else _MARKS[number]
        for stretch in _unbroken(line, block.step):
            xs, ys = [at for at, _ in stretch], [value for _, value in stretch]
            (plotext.plot if len(stretch) > 1 else plotext.scatter)(xs, ys, marker=marker, color=_COLORS[number])
    _axes(plotext, block, lines, page)
    text: str = plotext.build()
    yield from (text if page.color else _PAINT.sub("", text)).rstrip("\n").split("\n")


def _unbroken(line: Series, step: float) -> Iterator[list[tuple[float, float]]]:
    """The stretches of a line without a gap; what is no number is a gap."""
    points = [(at, value) for at, value in line.points if math.isfinite(value)]
    stretch = points[:1]
    for (before, _), point in pairwise(points):
        if point[0] - before > 1.5 * step:
            yield stretch
            stretch = []
        stretch.append(point)
    if stretch:
        yield stretch


def _axes(plotext: Any, block: Plot, lines: Sequence[Series], page: Page) -> None:
    values = [value for line in lines for _, value in line.points if math.isfinite(value)] or [0.0]
    least, most = min(values), max(values)
    if least == most:
        least, most = least - max(abs(least) * 0.1, 0.5), most + max(abs(most) * 0.1, 0.5)
    heights = [least + (most - least) * part / 4 for part in range(5)]
    plotext.ylim(least, most)
    plotext.yticks(heights, [si(each) for each in heights])
    count = 3 if page.width < 70 else 5  # noqa: PLR2004 - the number of times of day that fit
    moments = [block.begin + (block.end - block.begin) * part / (count - 1) for part in range(count)]
    plotext.xlim(block.begin, block.end)
    plotext.xticks(moments, [_clock(each, block.end - block.begin) for each in moments])


def _clock(at: float, length: float) -> str:
    """A time of day; with the day where the plot is longer than one."""
    form = "%H:%M:%S" if length < _HOUR / 4 else "%H:%M" if length <= _DAY else "%d %b %H:%M"
    return time.strftime(form, time.localtime(at))


def _legend(block: Plot, lines: Sequence[Series], page: Page) -> Iterator[str]:
    """Which line is which, and its numbers; only the last one where all of them do not fit beside each other."""
    marks = ["──" if page.color or len(lines) == 1 else f"{mark}{mark}" for mark, _ in zip(_MARKS, lines, strict=False)]
    table = _legend_table(block, lines, marks, _NUMBERS)
    if layout.width(table) > page.width:
        table = _legend_table(block, lines, marks, _NUMBERS[-1:])
    number = 0
    for text in layout.table(table, page):
        if number < len(marks) and text.startswith(marks[number]):
            yield _colored(marks[number], number, page) + text.removeprefix(marks[number])
            number += 1
        else:
            yield text


def _legend_table(block: Plot, lines: Sequence[Series], marks: Sequence[str], numbers: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (mark, *line.labels, *_numbers(line)[-len(numbers) :]) for mark, line in zip(marks, lines, strict=True)
    ]
    return Table(columns=("", *block.columns, *numbers), rows=tuple(rows))


def _colored(mark: str, number: int, page: Page) -> str:
    return f"\x1b[38;5;{_COLORS[number]}m{mark}\x1b[0m" if page.color else mark
