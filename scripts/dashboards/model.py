"""What a dashboard is: rows of panels, each with its queries, the values at which its colour changes, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Colour(StrEnum):
    """Grafana's own names, so that they follow its theme."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    BLUE = "blue"
    GREY = "text"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question to Prometheus, and how its series are called."""

    expr: str
    legend: str = "{{instance}}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """From this value on the panel has this colour. ``alert``: the alert whose limit the value is; a test holds both together."""

    value: float
    colour: Colour
    alert: str = ""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A word, and a colour, in place of a number."""

    text: str
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What every kind has in common. ``what`` it shows and what to ``do`` become its description."""

    title: str
    what: str
    do: str
    unit: str
    queries: tuple[Query, ...]
    base: Colour = Colour.GREEN  # below the first step
    steps: tuple[Step, ...] = ()
    alerts: tuple[str, ...] = ()  # alerts that tell the same without a limit of their own in this panel
    meanings: Mapping[int, Meaning] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    nothing: str = ""  # what is shown where no series answers
    width: int = 8
    height: int = 8

    @property
    def related_alerts(self) -> tuple[str, ...]:
        """Alerts of its limits and its others, each once, in the order in which they are named."""
        return tuple(dict.fromkeys([*(step.alert for step in self.steps if step.alert), *self.alerts]))

    @property
    def description(self) -> str:
        alerts = f"\n\nAlerts: {', '.join(self.related_alerts)} (docs/runbooks.md)." if self.related_alerts else ""
        return f"{self.what}\n\nWhat to do: {self.do}{alerts}"


@dataclass(frozen=True, kw_only=True)
class Stat(Panel):
    """One number, or one name (``named``), large; ``trend`` draws its past behind it."""

    named: bool = False
    trend: bool = False
    minimum: float | None = 0
    width: int = 3
    height: int = 4


@dataclass(frozen=True, kw_only=True)
class Graph(Panel):
    """Lines over time; ``stacked`` where the sum means something."""

    stacked: bool = False
    minimum: float | None = 0


@dataclass(frozen=True, kw_only=True)
class Timeline(Panel):
    """A band per series whose colour is its state."""

    width: int = 12


@dataclass(frozen=True, kw_only=True)
class Bars(Panel):
    """One bar per series, as it is now."""

    minimum: float | None = 0


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """A line per series, as it is now: ``columns`` are label → heading; ``value`` is the number's heading."""

    columns: Mapping[str, str]
    value: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A question, and the panels that answer it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """``instances``: the selector of those targets whose names the variable ``instance`` offers."""

    uid: str
    title: str
    description: str
    instances: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)
