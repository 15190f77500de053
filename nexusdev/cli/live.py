"""The live board on a terminal: Rich repaints what ``progress.Board`` says. The only module that imports rich."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nexusdev.cli.progress import Board, ProgressRow

if TYPE_CHECKING:
    from nexusdev.events import Event

_STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "strong": "bold", "plain": ""}
_PER_SECOND = 8
# The width of a row without its name and its text: the mark, the gaps, and the seconds up to "9999.9 s".
_FIXED, _LEAST = 13, 8


class LiveBoard:
    """One row per component, repainted a few times per second on stderr until the block ends."""

    def __init__(self, stream: TextIO, *, color: bool, now: Callable[[], float] = time.monotonic) -> None:
        self.console = Console(file=stream, no_color=not color, highlight=False)
        self._now = now
        self._began = now()
        self._board = Board()
        self._spinner = Spinner("dots")
        self._live = Live(
            get_renderable=self._render, console=self.console, refresh_per_second=_PER_SECOND, transient=False
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        # A board without rows (a wrong name, a failed check before the start) is removed from the screen.
        self._live.transient = not self._board.rows
        self._live.__exit__(*ended)

    def hear(self, event: Event) -> None:
        """Take in an event; the next repaint shows it."""
        before = self._board
        self._board = before.after(event)
        for note in self._board.notes[len(before.notes) :]:
            self.console.print(note, markup=False)

    def _render(self) -> Table:
        elapsed = self._now() - self._began
        rows = (*self._board.images, *self._board.rows)
        names = max((len(row.name) for row in rows), default=0)
        grid = Table.grid(padding=(0, 1), expand=False)
        grid.add_column(width=1)
        grid.add_column(no_wrap=True)
        # Rich shortens all columns evenly; only the text column may be truncated.
        grid.add_column(overflow="ellipsis", no_wrap=True, max_width=max(self.console.width - names - _FIXED, _LEAST))
        grid.add_column(justify="right", no_wrap=True)
        for row in rows:
            grid.add_row(*self._cells(row, elapsed))
        if not self._board.rows and not self._board.images:
            grid.add_row(self._spinner, Text(self._board.phase or "prepare"), "", f"{elapsed:.0f} s")
        return grid

    def _cells(self, row: ProgressRow, elapsed: float) -> tuple[Any, ...]:
        done = row.done or row.style == "good"
        mark = Text("✓", style="green") if done else self._spinner
        seconds = row.seconds if row.seconds is not None else elapsed
        return mark, Text(row.name), Text(row.words, style=_STYLES[row.style]), Text(f"{seconds:.1f} s", style="dim")
