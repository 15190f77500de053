"""The screen: results on stdout, progress and errors on stderr, one JSON envelope where that was asked for.

Nothing else writes to either. On a terminal the progress is a live board; elsewhere one line per change, never repainted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from msgspec import Struct, field

from nexusdev.cli import layout
from nexusdev.cli.layout import UNBOUNDED, Page
from nexusdev.errors import NexusError
from nexusdev.results import Result

if TYPE_CHECKING:
    from nexusdev.cli.output import OutputBlock
    from nexusdev.events import Event
    from nexusdev.plan import Plan

SCHEMA_VERSION = 1


#: What ``Console.prompt`` returns for Ctrl-D.
END_OF_INPUT = "\x04"


class Console(Struct, kw_only=True):
    """The output of this process. ``color`` allows colours; they are used on a terminal only.

    Attributes:
        awaited: The command that this one waits for now, '' for none.
        phase: The phase of the command that began last, '' for none; for bug reports.
        plan: The last plan, None without one; for bug reports.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    awaited: str = ""
    phase: str = ""
    plan: Plan | None = None
    _board: Any = None
    _lines: Any = None
    _over: bool = False
    _told: threading.Lock = field(default_factory=threading.Lock)

    def show(self, result: Result, *, command: str) -> int:
        """Print a result as text or JSON, with its warnings and its error.

        Returns:
            The exit status.
        """
        from nexusdev.cli.rendering import rendered

        shown = rendered(result)
        if self.as_json:
            self._envelope(command, result.instance, shown.data, result.warnings, result.error)
        else:
            for warning in result.warnings:
                self.note(f"warning: {warning}")
            self.say(*shown.output)
            if result.error:
                self.out.flush()
                self._error(result.error)
        return result.error.exit_status if result.error else shown.exit_status

    def say(self, *output: OutputBlock) -> None:
        """Print blocks on stdout at once."""
        page = self.page(self.out)
        self.out.writelines(f"{line.rstrip()}\n" for line in layout.blocks(output, page))
        self.out.flush()

    def stream(self, lines: Iterable[str]) -> None:
        """Print lines as they come."""
        for line in lines:
            self.out.write(f"{line}\n")
            self.out.flush()

    def fail(self, error: NexusError, *, command: str, instance: str = "") -> None:
        """Print a failure, once: text on stderr or an envelope on stdout. What threads tell after it is not shown: it is the last word."""
        with self._told:
            self._over = True
        if self.as_json:
            self._envelope(command, instance, {}, (), error)
        else:
            self._error(error)

    def trace(self, error: BaseException) -> None:
        """Print the traceback of an exception with its causes on stderr, if ``-v`` was given."""
        if self.verbose:
            import traceback

            self.err.writelines(traceback.format_exception(error))

    def note(self, text: str) -> None:
        """One line of progress."""
        if self._board is not None:
            self._board.console.print(text, markup=False, highlight=False)
        else:
            self.err.write(f"{text}\n")
            self.err.flush()

    def tell(self, event: Event) -> None:
        """Hear an event, from whatever thread (``events.Listener``)."""
        self._keep(event)
        with self._told, contextlib.suppress(OSError, ValueError):
            if self._board is not None:
                self._board.hear(event)
            elif not self.quiet and not self._over and (line := self._line(event)):
                self.err.write(f"{line}\n")
                self.err.flush()

    def _keep(self, event: Event) -> None:
        """Keep what an interruption or a bug report names."""
        from nexusdev.events import LockAwaited, LockTaken, PhaseBegan, Planned

        match event:
            case LockAwaited():
                self.awaited = event.holder
            case LockTaken():
                self.awaited = ""
            case PhaseBegan():
                self.phase = event.phase
            case Planned():
                self.plan = event.plan
            case _:
                pass

    def _line(self, event: Event) -> str | None:
        from nexusdev.cli.progress import Lines

        if self._lines is None:
            self._lines = Lines(verbose=self.verbose)
        line: str | None = self._lines.after(event)
        return line

    @contextlib.contextmanager
    def progress(self) -> Iterator[None]:
        """While the block runs, show events as a live board where there is a terminal to show it on."""
        if self.quiet or not self.err.isatty() or os.environ.get("TERM") == "dumb":
            yield
            return
        from nexusdev.cli.live import LiveBoard

        with LiveBoard(self.err, color=self.color) as board:
            self._board = board
            try:
                yield
            finally:
                self._board = None

    def ask(self, question: str) -> bool | None:
        """Yes or no from the person at the terminal; None where there is none."""
        answer = self.prompt(f"{question} [y/N] ")
        return None if answer is None else answer.lower() in ("y", "yes")

    def prompt(self, text: str) -> str | None:
        """One line from the person at the terminal, or END_OF_INPUT (Ctrl-D); None where there is no terminal."""
        if self.as_json or not (sys.stdin and sys.stdin.isatty() and self.err.isatty()):
            return None
        self.err.write(text)
        self.err.flush()
        line = sys.stdin.readline()
        return line.strip() if line else END_OF_INPUT

    def page(self, stream: TextIO) -> Page:
        """The width and the colours of a stream. What is no terminal is as wide as it needs to be, unless COLUMNS says otherwise."""
        terminal = stream.isatty()
        found = shutil.get_terminal_size().columns if terminal else UNBOUNDED
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isdigit() and int(columns) else found
        return Page(width=max(width, 20), color=self.color and terminal, terminal=terminal)

    def _error(self, error: NexusError) -> None:
        self.err.writelines(f"{line.rstrip()}\n" for line in layout.error(error, self.page(self.err)))
        self.err.flush()

    def _envelope(
        self, command: str, instance: str, data: Any, warnings: Iterable[str], error: NexusError | None
    ) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "ok": error is None,
            "instance": instance,
            "data": data,
            "warnings": list(warnings),
            "error": error.as_dict() if error else None,
        }
        self.out.write(_dumped(document, self.out.encoding) + "\n")
        self.out.flush()


def _dumped(document: Mapping[str, Any], encoding: str | None) -> str:
    """JSON with characters as they are, or escaped where the stream's encoding lacks one of them."""
    text = json.dumps(document, default=str, ensure_ascii=False)
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, default=str)
    return text
