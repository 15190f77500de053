"""The commands snapshot save, list, show, restore, export and rm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, group
from nexusdev.cli.session import current_session, perform

snapshot = group("snapshot", "Save the data of the whole stack at one moment, and put it back.", panel=GROUPS[0])

_Name = Annotated[str, typer.Argument(help="Name of the snapshot.", metavar="NAME")]


@snapshot.command("save")
def save(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name: lower-case letters, digits and dashes.", metavar="NAME")],
) -> None:
    """Save all data volumes, secrets and certificates. A running stack goes on; its writes wait for a moment.

    \b
    nexusdev snapshot save before-migration
    nexusdev snapshot restore before-migration
    """
    from nexusdev.operations import snapshot as operation

    perform(ctx, lambda context: operation.save(context, name), progress=True)


@snapshot.command("list")
def list_(ctx: typer.Context) -> None:
    """List the snapshots of this instance, also after nexusdev destroy.

    \b
    nexusdev snapshot list
    """
    from nexusdev.operations import snapshot as operation

    perform(ctx, operation.list_snapshots)


@snapshot.command("show")
def show(ctx: typer.Context, name: _Name) -> None:
    """Show what a snapshot contains and verify its checksums.

    \b
    nexusdev snapshot show before-migration
    """
    from nexusdev.operations import snapshot as operation

    perform(ctx, lambda context: operation.show(context, name))


@snapshot.command("restore")
def restore(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="Name of a snapshot, or a file of snapshot export (default: finish an interrupted restore).",
            metavar="[NAME|FILE]",
        ),
    ] = "",
) -> None:
    """Replace all data of this instance by a snapshot, and start it. Asks for confirmation.

    An instance that does not exist is created. Until the servers are stopped nothing is changed; a restore that is interrupted later is
    finished by the same command without a name.

    \b
    nexusdev snapshot restore before-migration
    nexusdev snapshot restore ~/shop-monday.tar    a file from another instance or machine
    nexusdev snapshot restore                      finish an interrupted restore
    """
    from nexusdev.operations import snapshot_restore as operation

    session = current_session(ctx)
    if asked := operation.question(session.context(), source):
        session.confirm(asked, instead=f"nexusdev snapshot restore {source} --yes")
    perform(ctx, lambda context: operation.restore(context, source), progress=True)


@snapshot.command("export")
def export(
    ctx: typer.Context,
    name: _Name,
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", metavar="FILE")],
) -> None:
    """Write a snapshot to one file, for another instance or machine. The file contains secrets.

    \b
    nexusdev snapshot export monday ~/shop-monday.tar
    """
    from nexusdev.operations import snapshot as operation

    perform(ctx, lambda context: operation.export(context, name, file))


@snapshot.command("rm")
def rm(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names of snapshots.", metavar="NAME...")],
) -> None:
    """Remove snapshots.

    \b
    nexusdev snapshot rm before-migration
    """
    from nexusdev.operations import snapshot as operation

    perform(ctx, lambda context: operation.remove(context, names))
