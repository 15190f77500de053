"""version, completion: about nexusdev itself."""

from __future__ import annotations

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import perform


@app.command(rich_help_panel=GROUPS[3])
def version(ctx: typer.Context) -> None:
    """Versions of nexusdev, Python, the engine and the stack.

    \b
    nexusdev version
    nexusdev version --json
    """
    from nexusdev.operations import version as operation

    perform(ctx, operation.version)
