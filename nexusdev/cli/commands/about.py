"""The commands version and completion."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform


@app.command(rich_help_panel=GROUPS[3])
def version(ctx: typer.Context) -> None:
    """Show the versions of nexusdev, Python, the runtime and the stack.

    \b
    nexusdev version
    nexusdev version --json
    """
    from nexusdev.operations import version as operation

    perform(ctx, operation.version)


@app.command(rich_help_panel=GROUPS[3])
def completion(
    ctx: typer.Context,
    shell: Annotated[str | None, typer.Argument(help="bash, zsh, fish or powershell (default: your shell).")] = None,
) -> None:
    """Print the shell completion script.

    \b
    source <(nexusdev completion bash)
    nexusdev completion fish > ~/.config/fish/completions/nexusdev.fish
    """
    from nexusdev.cli.completion import script

    current_session(ctx).console.stream(script(shell).splitlines())
