"""urls, open, ports, ls, adopt, gc: what is where, whose it is, and what may go."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform


@app.command(rich_help_panel=GROUPS[1])
def urls(ctx: typer.Context) -> None:
    """Where everything is reached, without passwords.

    \b
    nexusdev urls
    nexusdev urls --json
    """
    from nexusdev.operations import urls as operation

    perform(ctx, operation.urls)


@app.command("open", rich_help_panel=GROUPS[1])
def open_(
    ctx: typer.Context,
    page: Annotated[str, typer.Argument(help="grafana, prometheus, alertmanager, minio or vault.")],
) -> None:
    """Show a page in the browser; where there is none, print its address.

    \b
    nexusdev open grafana
    nexusdev open minio             its console
    """
    from nexusdev.operations import urls as operation

    perform(ctx, lambda context: operation.open_page(context, page))


@app.command(rich_help_panel=GROUPS[2])
def ports(ctx: typer.Context) -> None:
    """Every published port, what it reaches, and who has it now.

    \b
    nexusdev ports
    """
    from nexusdev.operations import ports as operation

    perform(ctx, operation.ports)


@app.command(rich_help_panel=GROUPS[2])
def ls(ctx: typer.Context) -> None:
    """All instances on this machine, and which one is meant here.

    \b
    nexusdev ls
    """
    from nexusdev.operations import ls as operation

    perform(ctx, operation.ls)


@app.command(rich_help_panel=GROUPS[3])
def adopt(ctx: typer.Context) -> None:
    """After a project folder was moved: make this folder the owner of the instance that it had. All data stays.

    Which instance that is, its env file says, or -i.

    \b
    nexusdev adopt                  in the new place: mv shop store; cd store
    nexusdev -i shop-3fa9c1 adopt   an instance by its name, as nexusdev ls shows it
    """
    from nexusdev.operations import adopt as operation

    session = current_session(ctx)
    context = session.context()
    if asked := operation.question(context):
        session.confirm(asked, instead="nexusdev adopt --yes")
    session.finish(operation.adopt(context))


@app.command(rich_help_panel=GROUPS[3])
def gc(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Also volumes and secrets of instances whose project folder is gone.")
    ] = False,
) -> None:
    """Remove stopped containers of projects whose folder is gone, old images, and the cache of image builds. Asks first.

    What runs is never removed. A folder counts as gone only where its disk is mounted. Data stays without --data.

    \b
    nexusdev gc --dry-run
    nexusdev gc --yes
    nexusdev gc --data              their volumes too; lists each with its size
    """
    from nexusdev.operations import gc as operation

    session = current_session(ctx)
    context = session.context()
    found = operation.find_leftovers(context, data=data)
    if dry_run:
        session.finish(operation.preview(context, found))
        return
    if found:
        session.confirm(operation.question(found), instead=f"nexusdev gc{' --data' if data else ''} --yes")
    session.finish(operation.remove(context, found))
