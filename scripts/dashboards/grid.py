"""Where panels lie: from left to right in the order in which they are written, on Grafana's 24 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import Panel, Row

COLUMNS = 24
HEADING = 1
#: What of a title is readable in one column on a laptop's screen of 1440 pixels.
CHARACTERS = 6


@dataclass(frozen=True, kw_only=True)
class Place:
    """A rectangle of the grid; ``y`` grows downward."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: Place) -> bool:
        apart = (
            self.x + self.width <= other.x
            or other.x + other.width <= self.x
            or self.y + self.height <= other.y
            or other.y + other.height <= self.y
        )
        return not apart


def lay_out(rows: tuple[Row, ...]) -> Iterator[tuple[Row | Panel, Place]]:
    """Each row's heading and then its panels; a line is as high as its highest panel."""
    y = 0
    for row in rows:
        yield row, Place(x=0, y=y, width=COLUMNS, height=HEADING)
        y += HEADING
        for line in lines(row.panels):
            x = 0
            for panel in line:
                yield panel, Place(x=x, y=y, width=panel.width, height=panel.height)
                x += panel.width
            y += max(panel.height for panel in line)


def lines(panels: tuple[Panel, ...]) -> Iterator[list[Panel]]:
    """Panels by the line on which they fit."""
    line: list[Panel] = []
    for panel in panels:
        if sum(each.width for each in line) + panel.width > COLUMNS:
            yield line
            line = []
        line.append(panel)
    if line:
        yield line


def title_fits(panel: Panel) -> bool:
    """Grafana cuts a title that is too long for its panel."""
    return len(panel.title) <= panel.width * CHARACTERS
