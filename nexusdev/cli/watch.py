"""status --watch: refreshes in place on a terminal, and prints one block per change elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from nexusdev.cli import layout
from nexusdev.cli.rendering import rendered
from nexusdev.cli.session import Session
from nexusdev.context import Context
from nexusdev.results import Result

PAUSE = 1.0
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def watched(session: Session, operation: Callable[[Context], Result]) -> None:
    """Repeat an operation until Ctrl-C. With ``--json``, print one envelope per iteration."""
    session.follows = True
    context = session.context()
    stream, before = session.console.out, None
    terminal = stream.isatty() and not session.console.as_json
    if terminal:
        stream.write("\x1b[2J")
    while True:
        result = operation(context)
        lines = list(layout.blocks(rendered(result).output, session.console.page(stream)))
        if session.console.as_json:
            session.console.show(result, command=session.command)
        elif terminal:
            stream.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_BELOW)
            stream.flush()
        elif lines != before:
            session.console.stream([*lines, ""])
        before = lines
        context.clock.sleep(PAUSE)
