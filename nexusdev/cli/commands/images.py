"""images list|build|pull|save|load|verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexusdev.cli.app import group
from nexusdev.cli.session import perform

app = group("images", "The images of the stack: which there are, building, pulling, moving and checking them.")

Names = Annotated[
    list[str] | None, typer.Argument(help="Names from the first column of images list (default: all).", metavar="NAME…")
]


@app.command(name="list")
def listing(ctx: typer.Context) -> None:
    """Every image: its version, whether the engine has it, where it would come from.

    \b
    nexusdev images list
    nexusdev images list --json
    """
    from nexusdev.operations import images

    perform(ctx, images.listing)


@app.command()
def build(
    ctx: typer.Context,
    names: Names = None,
    prune_cache: Annotated[
        bool, typer.Option("--prune-cache", help="Drop the compiler's caches (several GB) afterwards.")
    ] = False,
) -> None:
    """Build what is missing, on this machine. A second build does nothing.

    \b
    nexusdev images build                  everything: about a quarter of an hour on two cores, the first time
    nexusdev images build postgres redis   these two, and what they are built on
    nexusdev images build --prune-cache    and give the space of the caches back
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.build(context, names or (), prune_cache=prune_cache), progress=True)


@app.command()
def pull(ctx: typer.Context, names: Names = None) -> None:
    """Pull what is missing and is published.

    \b
    nexusdev images pull
    nexusdev images pull vault
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.pull(context, names or ()), progress=True)


@app.command()
def save(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The archive to write; .gz compresses it.", dir_okay=False)],
    names: Names = None,
) -> None:
    """Write the images to one archive, from which another machine runs up --offline.

    \b
    nexusdev images save nexus.tar
    nexusdev images save nexus.tar.gz
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.save(context, file, names or ()))


@app.command()
def load(ctx: typer.Context, file: Annotated[Path, typer.Argument(help="An archive of images save.")]) -> None:
    """Bring the images of an archive into the engine's store, and verify them.

    \b
    nexusdev images load nexus.tar && nexusdev up --offline
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.load(context, file))


@app.command()
def verify(ctx: typer.Context, names: Names = None) -> None:
    """Compare what is in the store with the lock. Exit 4 when something differs.

    \b
    nexusdev images verify
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.verify(context, names or ()))
