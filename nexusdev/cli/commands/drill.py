"""The commands drill and watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.operations.drill import DrillResult

_PANEL = GROUPS[1]


@app.command(rich_help_panel=_PANEL)
def drill(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...|list", help="Names of drills; list shows them all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Carry out all drills, one after the other.")] = False,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each drill is carried out.")] = 1,
    target: Annotated[
        str,
        typer.Option(
            "--target", metavar="SERVICE", help="Break this server instead of the one that the drill chooses."
        ),
    ] = "",
    no_fencing: Annotated[
        bool, typer.Option("--no-fencing", help="Leave a dead PostgreSQL primary to the end of its lease (20 s).")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Also write a report with charts: FILE.html, or FILE.md with tables."
        ),
    ] = None,
) -> None:
    """Break a server while clients work, and measure what they notice. Brings everything back and proves it.

    \b
    nexusdev drill list
    nexusdev drill postgres-primary-kill
    nexusdev drill redis-master-pause --rounds 3 --report drill.html
    nexusdev drill --all

    Exits with 4 if a target is missed. Refuses to run while other processes are connected, unless --yes is given. A drill that is
    interrupted or killed is undone: by itself, or by the next command.
    """
    from nexusdev.errors import UsageError
    from nexusdev.operations import drill as operation

    wanted = tuple(names or ())
    if wanted == ("list",):
        perform(ctx, operation.drill_list)
        return
    if bool(wanted) == everything:
        raise UsageError(
            "name a drill, or give --all" if not wanted else "--all takes no names",
            hint="nexusdev drill list   show all drills",
        )
    if report is not None:
        from nexusdev.cli.rendering.drill_report import require_format

        require_format(report)
    options = operation.DrillOptions(
        rounds=rounds, target=target, fencing=not no_fencing, confirmed=current_session(ctx).globals.yes
    )

    def act(context: Context) -> DrillResult:
        result = operation.drill(context, wanted, options)
        if report is not None:
            from nexusdev.cli.rendering.drill_report import write_report

            write_report(result, report)
        return result

    perform(ctx, act, progress=True)


@app.command(rich_help_panel=_PANEL)
def watch(ctx: typer.Context) -> None:
    """Shorten failovers until Ctrl-C: when a PostgreSQL primary has ended, let a replica take over at once.

    Without it, Patroni waits for the end of the dead primary's lease, about 20 s. Only a server whose container has provably ended
    is fenced, never one that is paused or unreachable.

    \b
    nexusdev watch
    """
    from nexusdev.operations.watch import watch as operation

    session = current_session(ctx)
    session.follows = True
    operation(session.context())
