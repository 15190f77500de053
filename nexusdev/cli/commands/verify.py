"""The command verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.operations.verify import VerifyResult


@app.command(rich_help_panel=GROUPS[1])
def verify(
    ctx: typer.Context,
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="[ROW]...", help="Rows of the scorecard (default: all).")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Take a tenth of the samples.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Also write the scorecard: FILE.md or FILE.html.")
    ] = None,
) -> None:
    """Measure the scorecard of the running stack: availability, caches, storage, Vault, many users, monitoring, and security controls.

    Each figure is measured now and has its method, its number of samples and what limits it. Each security control is tried, and shows
    its evidence.

    \b
    nexusdev verify                          about two minutes; kills the primary of PostgreSQL once
    nexusdev verify --quick
    nexusdev verify vault-response no-plaintext
    nexusdev verify --report scorecard.html

    Exits with 4 if a target is missed or a control fails. A degraded stack is not measured. Refuses to kill a server while other processes
    are connected, unless --yes is given.
    """
    from nexusdev.operations import verify as operation

    confirmed = current_session(ctx).globals.yes
    if report is not None:
        from nexusdev.cli.rendering.verify_report import require_format

        require_format(report)

    def act(context: Context) -> VerifyResult:
        result = operation.verify(context, rows or (), quick=quick, confirmed=confirmed)
        if report is not None:
            from nexusdev.cli.rendering.verify_report import write_report

            write_report(result, report)
        return result

    perform(ctx, act, progress=True)
