"""secrets list, show, rotate."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, group
from nexusdev.cli.session import current_session, perform

secrets = group("secrets", "The generated secrets of this instance.", panel=GROUPS[3])


@secrets.command("list")
def list_(ctx: typer.Context) -> None:
    """Names, kinds and the services that mount them; no values.

    \b
    nexusdev secrets list
    """
    from nexusdev.operations import secrets as operation

    perform(ctx, operation.list_secrets)


@secrets.command("show")
def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Its name, as in secrets list.")]) -> None:
    """Print one value, in the clear, and nothing else.

    \b
    nexusdev secrets show postgres-owner
    """
    from nexusdev.operations import secrets as operation

    session = current_session(ctx)
    found = operation.show(session.context(), name)
    if session.globals.json:
        session.finish(found)
        return
    sys.stdout.write(found.text)
    sys.stdout.flush()


@secrets.command("rotate")
def rotate(
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(help="postgres, redis, minio, vault (default: all).")
    ] = None,
) -> None:
    """New passwords for the application's users; Vault and the env file follow. Open connections stay.

    Waits for another command to end first.

    \b
    nexusdev secrets rotate
    nexusdev secrets rotate postgres
    """
    from nexusdev.operations import secrets as operation

    perform(ctx, lambda context: operation.rotate(context, components or ()), progress=True)
