"""version, completion: about nexusdev itself."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform


@app.command(rich_help_panel=GROUPS[3])
def version(ctx: typer.Context) -> None:
    """Versions of nexusdev, Python, the engine and the stack.

    \b
    nexusdev version
    nexusdev version --json
    """
    from nexusdev.operations import version as operation

    perform(ctx, operation.version)


@app.command(rich_help_panel=GROUPS[3])
def completion(
    ctx: typer.Context,
    shell: Annotated[str | None, typer.Argument(help="bash, zsh, fish or powershell; yours by default.")] = None,
) -> None:
    """Print the script that completes commands and options in your shell.

    \b
    source <(nexusdev completion bash)
    nexusdev completion fish > ~/.config/fish/completions/nexusdev.fish
    """
    from nexusdev.cli.completion import script

    current_session(ctx).console.stream(script(shell).splitlines())
