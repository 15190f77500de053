"""The commands images list, build, pull, push, save, load and verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nexusdev.cli.app import group
from nexusdev.cli.session import perform

app = group("images", "List, build, pull, push, save, load and verify the images of the stack.")

ImageNames = Annotated[
    list[str] | None, typer.Argument(help="Image names as shown by images list (default: all).", metavar="NAME…")
]


@app.command(name="list")
def listing(ctx: typer.Context) -> None:
    """List the images: version, presence in the image store, and source.

    \b
    nexusdev images list
    nexusdev images list --json
    """
    from nexusdev.operations import images

    perform(ctx, images.listing)


@app.command()
def build(
    ctx: typer.Context,
    names: ImageNames = None,
    prune_cache: Annotated[
        bool, typer.Option("--prune-cache", help="Remove the build cache (several GB) afterwards.")
    ] = False,
) -> None:
    """Build missing images on this machine. Existing images are not rebuilt.

    \b
    nexusdev images build                  all images: about 15 minutes on two cores the first time
    nexusdev images build postgres redis   these two and their base images
    nexusdev images build --prune-cache    and remove the build cache
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.build(context, names or (), prune_cache=prune_cache), progress=True)


@app.command()
def pull(ctx: typer.Context, names: ImageNames = None) -> None:
    """Pull missing images that are published in a registry.

    \b
    nexusdev images pull
    nexusdev images pull vault
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.pull(context, names or ()), progress=True)


@app.command()
def push(
    ctx: typer.Context,
    registry: Annotated[
        str | None,
        typer.Argument(help="host[:port][/path] (default: the setting registry).", metavar="[REGISTRY]"),
    ] = None,
    names: ImageNames = None,
) -> None:
    """Push images to a registry, from which a cluster gets them. What is there already is not sent again.

    \b
    nexusdev images push registry.example.com:5000/team
    nexusdev images push registry.example.com:5000/team redis haproxy
    NEXUSDEV_REGISTRY=registry.example.com:5000/team nexusdev images push
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.push(context, registry or "", names or ()), progress=True)


@app.command()
def save(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Archive to write; compressed if it ends in .gz.", dir_okay=False)],
    names: ImageNames = None,
) -> None:
    """Save the images to an archive for nexusdev up --offline on another machine.

    \b
    nexusdev images save nexus.tar
    nexusdev images save nexus.tar.gz
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.save(context, file, names or ()))


@app.command()
def load(ctx: typer.Context, file: Annotated[Path, typer.Argument(help="Archive written by images save.")]) -> None:
    """Load the images of an archive into the image store and verify them.

    \b
    nexusdev images load nexus.tar && nexusdev up --offline
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.load(context, file))


@app.command()
def verify(ctx: typer.Context, names: ImageNames = None) -> None:
    """Compare the stored images with the lockfile. Exits with 4 if one differs.

    \b
    nexusdev images verify
    """
    from nexusdev.operations import images

    perform(ctx, lambda context: images.verify(context, names or ()))
