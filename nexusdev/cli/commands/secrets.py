"""The commands secrets list, show and rotate."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, group
from nexusdev.cli.session import current_session, perform
from nexusdev.util.standard_streams import write_exactly

secrets = group("secrets", "List, show and rotate the generated secrets of this instance.", panel=GROUPS[3])


@secrets.command("list")
def list_(ctx: typer.Context) -> None:
    """List the secrets: name, kind and the services that use each. Values are not shown.

    \b
    nexusdev secrets list
    """
    from nexusdev.operations import secrets as operation

    perform(ctx, operation.list_secrets)


@secrets.command("show")
def show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="Secret name as shown by secrets list.")]
) -> None:
    """Print the value of one secret in plain text.

    \b
    nexusdev secrets show postgres-owner
    """
    from nexusdev.operations import secrets as operation

    session = current_session(ctx)
    found = operation.show(session.context(), name)
    if session.globals.json:
        session.finish(found)
        return
    write_exactly(f"{found.value}\n")


@secrets.command("rotate")
def rotate(
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(help="Component names (default: all with credentials).")
    ] = None,
) -> None:
    """Generate new credentials for the application and update Vault and the env file. Open connections are kept.

    Waits for other commands on this instance to finish.

    \b
    nexusdev secrets rotate
    nexusdev secrets rotate postgres
    """
    from nexusdev.operations import secrets as operation

    perform(ctx, lambda context: operation.rotate(context, components or ()), progress=True)
