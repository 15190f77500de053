"""version: of nexusdev, of Python, of the engine and of what the stack is made of."""

from __future__ import annotations

import platform

from nexusdev import __version__
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome, Table


def version(context: Context) -> Outcome:
    """Everything that a report of a problem has to say about versions. Works without an engine."""
    rows = [("nexusdev", __version__), ("python", platform.python_version())]
    return Outcome(
        data=dict(rows),
        says=(Table(columns=("what", "version"), rows=tuple(rows)),),
    )
