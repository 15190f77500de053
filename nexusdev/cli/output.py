"""What a result looks like: blocks of text for people, and the ``data`` of the JSON envelope for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

Style = Literal["plain", "good", "bad", "warn", "dim", "strong"]


class Text(Struct, frozen=True):
    """Words with a style, which a terminal shows as a color. ``Text("down", "bad")``."""

    text: str
    style: Style = "plain"

    def __str__(self) -> str:
        return self.text


Cell = str | Text


class Table(Struct, frozen=True, kw_only=True):
    """Rows under headings. On a narrow screen each row becomes a small block."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Series(Struct, frozen=True, kw_only=True):
    """One series of a plot.

    Attributes:
        labels: Its cell under each of the plot's columns.
        points: (seconds since the epoch, value).
    """

    labels: tuple[str, ...]
    points: tuple[tuple[float, float], ...]


class Plot(Struct, frozen=True, kw_only=True):
    """Lines over time. A terminal draws them; elsewhere each is a row of a table.

    Attributes:
        columns: Headings of the labels.
        lines: The series.
        begin: Start of the time that is shown, in seconds since the epoch.
        end: Its end, in seconds since the epoch.
        step: Seconds between two points; a line is broken where more are between them.
    """

    columns: tuple[str, ...]
    lines: tuple[Series, ...]
    begin: float
    end: float
    step: float


OutputBlock = str | Text | Table | Plot


class Rendered(Struct, frozen=True, kw_only=True):
    """A result as it is shown.

    Attributes:
        data: The ``data`` member of the JSON envelope.
        output: What a person reads on stdout, block after block; a str may have several lines.
        exit_status: Exit status of a program that was run for the caller; the ``error`` of a result has its own.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    output: tuple[OutputBlock, ...] = ()
    exit_status: int = 0
