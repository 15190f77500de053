"""The help is printed without what only commands need."""

from __future__ import annotations

from tests.imports import imported_by

# What a command needs to look at the stack.
HEAVY = {"docker", "nexusdev.components.contract", "nexusdev.plan", "nexusdev.stack.model", "ssl", "yaml"}


HELP = """
import contextlib, io
from nexusdev.cli.app import run, start
shown = io.StringIO()
with contextlib.redirect_stdout(shown):
    run(start(["--help"]), ["--help"])
assert "Usage: nexusdev" in shown.getvalue()
"""


def test_the_help_is_printed_without_the_stack() -> None:
    found = imported_by(HELP)
    assert "typer" in found
    assert found & HEAVY == set()
