"""env, config: the variables, and the settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app, group
from nexusdev.cli.session import current_session, perform

FORMATS = "dotenv, shell, fish, powershell, json, direnv, docker, github"


@app.command(rich_help_panel=GROUPS[1])
def env(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    style: Annotated[
        str, typer.Option("--format", "-f", help=f"One of {FORMATS}.", metavar="FORMAT", show_default=True)
    ] = "dotenv",
    view: Annotated[
        str,
        typer.Option("--view", help="Addresses as seen from the host, or from a container.", metavar="host|container"),
    ] = "host",
    write: Annotated[bool, typer.Option("--write", help="Write the env file instead of printing.")] = False,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", help="The file that --write writes.", metavar="FILE")
    ] = None,
    no_proof: Annotated[
        bool, typer.Option("--no-proof", help="Do not ask the servers first; works while they are stopped.")
    ] = False,
) -> None:
    """Print the variables that applications read, each endpoint proven to be this instance.

    Only --write waits for another command to end first.

    \b
    eval "$(nexusdev env --format shell)"               bash, zsh
    nexusdev env --format fish | source                 fish
    nexusdev env --format powershell | Out-String | Invoke-Expression
    nexusdev env --format json | jq -r .PGHOST
    nexusdev env --format github >> "$GITHUB_ENV"       a job on GitHub
    nexusdev env --view container --format docker       for docker run --env-file

    While a component is not ready, its variables are left out, stderr says which is missing and why, and the exit code is 4. --write then
    leaves the file as it is.
    The container view names the CA as it is mounted: docker run -v "$NEXUSDEV_CA_FILE:/run/nexusdev/ca.crt:ro" (NEXUSDEV_CA_FILE of
    the host view). On a terminal, and with -v, stderr says how; or: nexusdev run --in IMAGE -- COMMAND.
    """
    from nexusdev.operations import env as operation

    session = current_session(ctx)
    context = session.context(env_file=env_file)
    found = operation.env(context, style=style, view=view, proof=not no_proof, write=write)
    if session.globals.json or write:
        session.finish(found)
        return
    if os.environ.get("GITHUB_ACTIONS") == "true":
        session.console.err.writelines(f"::add-mask::{value}\n" for value in found.masked)
    sys.stdout.write(found.text)
    sys.stdout.flush()
    if view == "container" and (session.console.verbose or session.console.err.isatty()) and not session.console.quiet:
        session.console.note(f"mount the CA: docker run {operation.how_to_mount(context)} …")
    session.finish(found)


config = group("config", "Settings: their values, and where each came from.")


@config.command("show")
def config_show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
) -> None:
    """Print every setting as it is in force here.

    \b
    nexusdev config show --origin
    NEXUSDEV_TIMEOUT=10m nexusdev config show --origin
    """
    from nexusdev.operations import config as operation

    perform(ctx, lambda context: operation.show(context, origin=origin))
