"""Results of commands, and the Outcome that the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from nexusdev.errors import NexusError

Style = Literal["plain", "good", "bad", "warn", "dim", "strong"]


class Text(Struct, frozen=True):
    """Words with a mood, which a terminal shows as a colour. ``Text("down", "bad")``."""

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
    """One series of a plot. ``labels``: its cell under each of the plot's columns; ``points``: (seconds since the epoch, value)."""

    labels: tuple[str, ...]
    points: tuple[tuple[float, float], ...]


class Plot(Struct, frozen=True, kw_only=True):
    """Lines over time. A terminal draws them; elsewhere each is a row of a table.

    begin, end  of the time that is shown, in seconds since the epoch
    step        seconds between two points; where more are between them, the line is broken
    """

    columns: tuple[str, ...]
    lines: tuple[Series, ...]
    begin: float
    end: float
    step: float


OutputBlock = str | Text | Table | Plot


class Result(Struct, frozen=True, kw_only=True):
    """The facts of one operation: what it found and did. Each operation has its own, and the command line knows how to show it.

    instance  the instance that was meant, '' where none was
    warnings  things to know that are no failure (stderr, and the envelope)
    error     why the operation nevertheless ends with a failure, after its result was shown
    """

    instance: str = ""
    warnings: tuple[str, ...] = ()
    error: NexusError | None = None


class Outcome(Result, frozen=True, kw_only=True):
    """A result as it is shown.

    data         the ``data`` member of the JSON envelope
    output       what a person reads on stdout, block after block; a str may have several lines
    exit_status  of a command that was run for the caller; ``error`` has its own
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    output: tuple[OutputBlock, ...] = ()
    exit_status: int = 0
