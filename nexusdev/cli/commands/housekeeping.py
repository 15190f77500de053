"""The commands urls, open, ports, ls, adopt and gc."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform


@app.command(rich_help_panel=GROUPS[1])
def urls(ctx: typer.Context) -> None:
    """List the URLs of all endpoints, without passwords.

    \b
    nexusdev urls
    nexusdev urls --json
    """
    from nexusdev.operations import urls as operation

    perform(ctx, operation.urls)


@app.command("open", rich_help_panel=GROUPS[1])
def open_(
    ctx: typer.Context,
    page: Annotated[str, typer.Argument(help="Name of a page that nexusdev urls lists, such as grafana.")],
) -> None:
    """Open a web UI in the browser, or print its URL if there is no browser.

    \b
    nexusdev open grafana
    nexusdev open minio             the MinIO console
    """
    from nexusdev.operations import urls as operation

    perform(ctx, lambda context: operation.open_page(context, page))


@app.command(rich_help_panel=GROUPS[2])
def ports(ctx: typer.Context) -> None:
    """List every published port, its service, and the process that listens on it.

    \b
    nexusdev ports
    """
    from nexusdev.operations import ports as operation

    perform(ctx, operation.ports)


@app.command(rich_help_panel=GROUPS[2])
def ls(ctx: typer.Context) -> None:
    """List all instances on this machine. The instance of the current folder is marked.

    \b
    nexusdev ls
    """
    from nexusdev.operations import ls as operation

    perform(ctx, operation.ls)


@app.command(rich_help_panel=GROUPS[3])
def adopt(ctx: typer.Context) -> None:
    """Assign an existing instance to this folder after the project was moved or renamed. All data is kept.

    The instance is read from the env file in this folder, or given with -i.

    \b
    nexusdev adopt                  in the new folder: mv shop store; cd store
    nexusdev -i shop-3fa9c1 adopt   by instance name, as shown by nexusdev ls
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Also remove volumes and secrets of instances whose project folder is gone.")
    ] = False,
    instances: Annotated[
        bool, typer.Option("--instances", help="Remove only instances, not images and the build cache.")
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="With --instances: remove every instance that was last used this long ago, even if it is running.",
        ),
    ] = None,
) -> None:
    """Remove orphaned containers, old images and the image build cache. Asks for confirmation.

    Containers are orphaned when they are stopped and their project folder no longer exists. Without --older-than, running
    containers are never removed. A folder on a disk that is not mounted does not count as gone. Volumes and secrets are kept unless --data is
    given.

    For CI machines: --instances --older-than 2h selects instances by their last use instead, which is their last start or up. It includes
    running instances and instances whose project folder still exists, but none that a command is working on.

    \b
    nexusdev gc --dry-run
    nexusdev gc --yes
    nexusdev gc --data              also remove volumes; lists each with its size
    nexusdev gc --instances --older-than 2h --data --yes   in CI: what dead jobs left behind
    """
    from nexusdev.operations import gc as operation

    session = current_session(ctx)
    context = session.context()
    found = operation.find_leftovers(context, data=data, instances=instances, older_than=older_than)
    if dry_run:
        session.finish(operation.preview(context, found))
        return
    if found:
        words = [*(["--instances"] if instances else []), *(["--older-than", older_than] if older_than else [])]
        again = " ".join(["nexusdev gc", *words, *(["--data"] if data else []), "--yes"])
        session.confirm(operation.question(found), instead=again)
    session.finish(operation.remove(context, found))
