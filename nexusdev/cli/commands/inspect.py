"""The commands logs, metrics, timings and doctor."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import Session, current_session, perform

if TYPE_CHECKING:
    from nexusdev.interfaces import LogLine

LOOK = GROUPS[2]
# Colors that are readable on light and dark backgrounds; red is reserved for errors.
_COLORS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@app.command(rich_help_panel=LOOK)
def logs(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Components or services (default: all).")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only lines newer than 90s, 10m, 1h30m, or a timestamp."),
    ] = None,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=0, help="Number of lines to show per service.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines.")] = False,
) -> None:
    """Show the logs of the services, merged by time.

    \b
    nexusdev logs --tail 20
    nexusdev logs postgres --since 10m
    nexusdev logs -f redis-0 sentinel-0
    """
    from nexusdev.operations import logs as operation

    session = current_session(ctx)
    session.follows = follow
    if session.globals.json:
        found = operation.collect(session.context(), names or (), since=since, tail=tail, follow=follow)
        session.finish(found)
        return
    services, lines = operation.logs(session.context(), names or (), since=since, tail=tail, follow=follow)
    session.console.stream(_written(session, services, lines))


def _written(session: Session, services: Sequence[str], lines: Iterable[LogLine]) -> Iterator[str]:
    """Format lines as ``service  12:34:56  text``; on a terminal each service has its own color."""
    width = max(map(len, services), default=0)
    colors = {name: _COLORS[place % len(_COLORS)] for place, name in enumerate(services)}
    painted = session.console.color and sys.stdout.isatty()
    for line in lines:
        name = line.service.ljust(width)
        head = f"\x1b[{colors.get(line.service, 36)}m{name}\x1b[0m" if painted else name
        yield f"{head}  {time.strftime('%H:%M:%S', time.localtime(line.at))}  {line.text}"


@app.command(rich_help_panel=LOOK)
def metrics(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="PromQL expression, in quotes.")],
    over: Annotated[
        str | None, typer.Option("--range", metavar="TIME", help="Plot this time range: 15m, 1h30m, 2d.")
    ] = None,
    step: Annotated[
        str | None, typer.Option("--step", metavar="TIME", help="Interval between points of --range.")
    ] = None,
) -> None:
    """Query Prometheus: current values as a table, or a time range as a chart.

    \b
    nexusdev metrics up
    nexusdev metrics 'sum by (component) (up == 0)'
    nexusdev metrics 'rate(process_cpu_seconds_total[1m])' --range 15m
    nexusdev metrics 'pg_stat_activity_count' --range 1h --step 1m --json
    """
    from nexusdev.operations.metrics import metrics as operation

    perform(ctx, lambda context: operation(context, query, over=over, step=step))


@app.command(rich_help_panel=LOOK)
def timings(ctx: typer.Context) -> None:
    """Show how long each step of the last up took, and the critical path.

    \b
    nexusdev timings
    nexusdev timings --json
    """
    from nexusdev.operations.timings import timings as operation

    perform(ctx, operation)


@app.command(rich_help_panel=LOOK)
def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Fix the problems that can be fixed safely.")] = False,
) -> None:
    """Check the runtime, the instance and this machine for problems. Prints a fix for each.

    \b
    nexusdev doctor
    nexusdev doctor --fix
    """
    from nexusdev.operations.doctor import doctor as operation

    perform(ctx, lambda context: operation(context, fix=fix))
