"""up, down, destroy, stop, start, restart, wait, status: run the stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform

RUN, USE, LOOK, KEEP = GROUPS

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Components or services; all by default.")]


@app.command(rich_help_panel=RUN)
def up(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="Only these, and what they need.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="full, or core: all but monitoring. Remembered; at first full."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and why.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use only images that the engine has.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where an optional service cannot be had.")] = False,
    move_ports: Annotated[
        bool, typer.Option("--move-ports", help="Take another block of host ports; the env file changes.")
    ] = False,
    recreate_volumes: Annotated[
        bool,
        typer.Option(
            "--recreate-volumes", help="Make lost data volumes anew: rebuilt where possible, else empty (asks)."
        ),
    ] = False,
    env_file: Annotated[
        str | None, typer.Option("--env-file", metavar="FILE", help="Where to write the variables.")
    ] = None,
) -> None:
    """Start everything, wait until it is ready, seed it, prove it, write the env file.

    A second time it changes nothing and says so. While another command works on the same instance, it waits for that one to
    end; --timeout counts for the waiting and the work together.

    \b
    nexusdev up                     the whole stack
    nexusdev up postgres redis      these two and what they need
    nexusdev up --profile core      all but monitoring; a later plain up keeps to it
    nexusdev up --dry-run           the plan, each step with its reason
    nexusdev up --timeout 10m       wait longer on a slow machine
    nexusdev up --recreate-volumes  go on although data volumes are gone
    """
    from nexusdev.operations import up as operation

    names = components or ()
    agreed = _agreed(ctx, names, profile, ask=not dry_run) if recreate_volumes else None
    if dry_run:
        perform(
            ctx,
            lambda context: operation.dry_run(context, names, agreed=agreed),
            offline=offline or None,
            profile=profile,
        )
        return
    perform(
        ctx,
        lambda context: operation.up(context, names, move_ports=move_ports, agreed=agreed),
        progress=True,
        offline=offline or None,
        strict=strict or None,
        env_file=env_file,
        profile=profile,
    )


def _agreed(ctx: typer.Context, names: Sequence[str], profile: str | None, *, ask: bool) -> frozenset[str]:
    """The volumes that may be made anew; asks where data is lost by it."""
    from nexusdev.deploy import lost_volumes
    from nexusdev.operations import up as operation

    session = current_session(ctx)
    found = operation.lost_volumes(session.context(profile=profile), names)
    if ask and (asked := lost_volumes.question(found)):
        words = names or (["--profile", profile] if profile else [])
        session.confirm(asked, instead=f"{lost_volumes.again(words)} --yes")
    return lost_volumes.affected(found)


@app.command(rich_help_panel=RUN)
def down(ctx: typer.Context) -> None:
    """Remove the containers and the network; the data stays. Waits for another command to end first.

    \b
    nexusdev down
    nexusdev -i shop down           an instance by its name, from anywhere
    """
    from nexusdev.operations.down import down as operation

    perform(ctx, operation, progress=True)


@app.command(rich_help_panel=RUN)
def destroy(
    ctx: typer.Context,
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Only the containers and data of these.")
    ] = None,
) -> None:
    """Remove everything of the instance: containers, data, secrets. Asks before, and says what goes.

    Of monitoring, the data of one server can go alone: it begins anew. While another command works on the instance, destroy
    fails at once with exit code 14; only for another destroy, down or stop does it wait.

    \b
    nexusdev destroy
    nexusdev destroy --yes          without asking
    nexusdev destroy prometheus-0   its container and its volume, nothing else
    """
    from nexusdev.operations import destroy as operation
    from nexusdev.operations import destroy_service

    session = current_session(ctx)
    context = session.context()
    if services:
        if asked := destroy_service.question(context, services):
            session.confirm(asked, instead=f"nexusdev destroy {' '.join(services)} --yes")
        perform(ctx, lambda context: destroy_service.discard(context, services), progress=True)
        return
    if asked := operation.question(context):
        session.confirm(asked, instead="nexusdev destroy --yes")
    perform(ctx, operation.destroy, progress=True)


@app.command(rich_help_panel=RUN)
def stop(ctx: typer.Context, names: Names = None) -> None:
    """Stop containers; everything stays as it is until start. Waits for another command to end first.

    \b
    nexusdev stop
    nexusdev stop redis             one component
    nexusdev stop postgresql-1      one service
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.stop(context, names or ()), progress=True)


@app.command(rich_help_panel=RUN)
def start(ctx: typer.Context, names: Names = None) -> None:
    """Start what is stopped, and wait until it is ready. Waits for another command to end first.

    \b
    nexusdev start
    nexusdev start vault-1
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.start(context, names or ()), progress=True)


@app.command(rich_help_panel=RUN)
def restart(ctx: typer.Context, names: Names = None) -> None:
    """Stop and start, and wait until it is ready. Waits for another command to end first.

    \b
    nexusdev restart
    nexusdev restart redis
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.restart(context, names or ()), progress=True)


@app.command(rich_help_panel=LOOK)
def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 when something is not ready.")] = False,
) -> None:
    """Per node: role, state, lag or quorum, host port.

    \b
    nexusdev status
    nexusdev status --watch
    nexusdev status --check         for scripts: exit code 4 when something is missing
    """
    from nexusdev.operations.status import status as operation

    if watch:
        from nexusdev.cli.watch import watched

        watched(current_session(ctx), operation)
    else:
        perform(ctx, lambda context: operation(context, check=check))


@app.command(rich_help_panel=LOOK)
def wait(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A component or a service.")],
    condition: Annotated[
        str, typer.Option("--for", metavar="CONDITION", help="ready, writable, unsealed or down.")
    ] = "ready",
) -> None:
    """Wait until a part is ready, writable, unsealed or down.

    Exit codes: 0 it is, 11 the time was up, 10 it crashed meanwhile. What somebody stops or restarts on purpose has not
    crashed: the waiting goes on.

    \b
    nexusdev wait postgres --for writable
    nexusdev wait vault --for unsealed --timeout 30
    nexusdev wait redis-1 --for down
    """
    from nexusdev.operations.wait import wait as operation

    perform(ctx, lambda context: operation(context, target, condition), progress=True)
