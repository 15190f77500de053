"""A dashboard as text: every panel a box where Grafana will put it, six characters to a column and a line to two rows."""

from __future__ import annotations

from .grid import CHARACTERS, COLUMNS, Place, lay_out
from .model import Dashboard, Panel

DOWN = 2


def draw(dashboard: Dashboard) -> str:
    """The boxes with their titles and kinds, under the headings of their rows."""
    lines = [f"=== {dashboard.title} ({dashboard.uid})"]
    band: list[tuple[Panel, Place]] = []
    for each, place in lay_out(dashboard.rows):
        if isinstance(each, Panel):
            if band and band[0][1].y != place.y:
                lines += _boxes(band)
                band = []
            band.append((each, place))
        else:
            lines += [*_boxes(band), f"--- {each.title} ".ljust(COLUMNS * CHARACTERS, "-")]
            band = []
    return "\n".join([*lines, *_boxes(band)])


def _boxes(band: list[tuple[Panel, Place]]) -> list[str]:
    if not band:
        return []
    height = max(place.height for _, place in band) // DOWN
    canvas = [[" "] * (COLUMNS * CHARACTERS) for _ in range(height)]
    for panel, place in band:
        words = [panel.title, f"{type(panel).__name__.lower()} {panel.unit}", *_wrapped(panel)]
        for line in range(place.height // DOWN):
            inside = (words[line] if line < len(words) else "")[: place.width * CHARACTERS - 2]
            start = place.x * CHARACTERS
            canvas[line][start : start + place.width * CHARACTERS] = ("|" + inside).ljust(place.width * CHARACTERS)
    return ["".join(line).rstrip() for line in canvas]


def _wrapped(panel: Panel) -> list[str]:
    limits = " ".join(f"{step.value:g}:{step.colour}" for step in panel.steps)
    return [f"{panel.base} {limits}", ", ".join(panel.related_alerts)]
