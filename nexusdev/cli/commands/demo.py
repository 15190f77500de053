"""The command demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform

if TYPE_CHECKING:
    from nexusdev.operations.demo import Guide


@app.command(rich_help_panel=GROUPS[1])
def demo(
    ctx: typer.Context,
    chapters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHAPTER]...",
            help="stack, data, use, credentials, postgres, redis, minio, vault, alert, scorecard (default: all).",
        ),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Do not wait for Enter before each chapter.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove the sample data of the demo, and do nothing else.")
    ] = False,
) -> None:
    """Show what the platform is, what breaks, and that it heals: a tour of the running stack in ten chapters.

    Each chapter says what happens, names the commands that do it by hand, and waits for Enter; q ends the tour.

    \b
    nexusdev demo
    nexusdev demo postgres redis     only these chapters
    nexusdev demo --fast             run through in about two minutes
    nexusdev demo --clean

    The sample data is kept apart from yours, and stays until demo --clean removes it. Servers that a chapter breaks are brought back. The
    demo refuses to break servers while other processes are connected, unless --yes is given. Exits with 4 if a chapter did not show what
    it promises.
    """
    from nexusdev.errors import UsageError
    from nexusdev.operations import demo as operation

    session = current_session(ctx)
    if clean:
        if chapters or fast:
            raise UsageError("--clean takes no chapters and no --fast", hint="nexusdev demo --clean")
        perform(ctx, operation.clean)
        return
    guide: Guide | None = None
    if not session.globals.json:
        from nexusdev.cli.tour import ConsoleGuide

        guide = ConsoleGuide(session.console, waits=not fast)
    confirmed = session.globals.yes
    perform(ctx, lambda context: operation.demo(context, chapters or (), guide=guide, confirmed=confirmed))
