"""The commands up, down, destroy, stop, start, restart, status and wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from nexusdev.cli import options
from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.session import current_session, perform

RUN, USE, LOOK, KEEP = GROUPS


@app.command(rich_help_panel=RUN)
def up(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    components: options.ToStart = None,
    profile: options.Profile = None,
    dry_run: options.DryRun = False,
    offline: options.Offline = False,
    strict: options.Strict = False,
    move_ports: options.MovePorts = False,
    recreate_volumes: options.RecreateVolumes = False,
    env_file: options.EnvFile = None,
) -> None:
    """Start the stack, wait until it is ready, seed it, verify it and write the env file.

    If everything is already up to date, nothing is changed. Waits for other commands on this instance to finish; --timeout
    includes that time.

    \b
    nexusdev up                     the whole stack
    nexusdev up postgres redis      these two and what they need
    nexusdev up --profile core      without monitoring; a later nexusdev up keeps this profile
    nexusdev up --profile lite      one server of each product, for small machines
    nexusdev up --dry-run           print the plan, with the reason for each step
    nexusdev up --timeout 10m       wait longer on a slow machine
    nexusdev up --recreate-volumes  continue after data volumes were lost
    NEXUSDEV_SUBNET=172.30.0.0/16 nexusdev up   create the network in this range (setting: subnet)
    """
    names = components or ()
    agreed = _agreed(ctx, names, profile, ask=not dry_run) if recreate_volumes else None
    if dry_run:
        _print_plan(ctx, names, agreed, offline=offline, profile=profile)
        return
    from nexusdev.operations import up as operation

    flags = {"offline": offline or None, "strict": strict or None, "env_file": env_file, "profile": profile}
    perform(
        ctx,
        lambda context: operation.up(context, names, move_ports=move_ports, agreed=agreed),
        progress=True,
        flags=flags,
    )


def _print_plan(
    ctx: typer.Context,
    names: Sequence[str],
    agreed: Collection[str] | None,
    *,
    offline: bool,
    profile: str | None,
) -> None:
    from nexusdev.operations.dry_run import dry_run

    flags = {"offline": offline or None, "profile": profile}
    perform(ctx, lambda context: dry_run(context, names, agreed=agreed), flags=flags)


def _agreed(ctx: typer.Context, names: Sequence[str], profile: str | None, *, ask: bool) -> frozenset[str]:
    """Return the volumes that may be recreated. Asks first if data would be lost."""
    from nexusdev.deploy import lost_volumes
    from nexusdev.operations import dry_run as operation

    session = current_session(ctx)
    found = operation.lost_volumes(session.context(profile=profile), names)
    if ask and (asked := lost_volumes.question(found)):
        words = names or (["--profile", profile] if profile else [])
        session.confirm(asked, instead=f"{lost_volumes.again(words)} --yes")
    return lost_volumes.affected(found)


@app.command(rich_help_panel=RUN)
def down(ctx: typer.Context) -> None:
    """Remove the containers and the network, and keep the data. Waits for other commands on this instance to finish.

    \b
    nexusdev down
    nexusdev -i shop down           by instance name, from any folder
    """
    from nexusdev.operations.down import down as operation

    perform(ctx, operation, progress=True)


@app.command(rich_help_panel=RUN)
def destroy(
    ctx: typer.Context,
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]...", help="Remove only the containers and data of these services."),
    ] = None,
    snapshot: Annotated[
        bool | None,
        typer.Option(
            "--snapshot/--no-snapshot",
            help="Take a snapshot first (default: yes, except where CI is set).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Remove the whole instance: containers, data and secrets. Lists what is removed and asks for confirmation.

    The data is saved first as the snapshot before-destroy, which replaces an earlier one: nexusdev snapshot restore before-destroy.

    A monitoring server can be destroyed on its own; it restarts with empty data. If another command is working on the instance,
    destroy fails immediately with exit code 14. It waits only for another destroy, down or stop.

    \b
    nexusdev destroy
    nexusdev destroy --yes          without confirmation
    nexusdev destroy --no-snapshot  without saving the data first
    nexusdev destroy prometheus-0   only this container and its volume
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
    saves = operation.takes_snapshot(context, asked=snapshot)
    perform(ctx, lambda context: operation.destroy(context, snapshot=saves), progress=True)


@app.command(rich_help_panel=RUN)
def stop(ctx: typer.Context, names: options.ServiceNames = None) -> None:
    """Stop containers without removing them. Waits for other commands on this instance to finish.

    \b
    nexusdev stop
    nexusdev stop redis             one component
    nexusdev stop postgresql-1      one service
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.stop(context, names or ()), progress=True)


@app.command(rich_help_panel=RUN)
def start(ctx: typer.Context, names: options.ServiceNames = None) -> None:
    """Start stopped containers and wait until they are ready. Waits for other commands on this instance to finish.

    \b
    nexusdev start
    nexusdev start vault-1
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.start(context, names or ()), progress=True)


@app.command(rich_help_panel=RUN)
def restart(ctx: typer.Context, names: options.ServiceNames = None) -> None:
    """Restart containers and wait until they are ready. Waits for other commands on this instance to finish.

    \b
    nexusdev restart
    nexusdev restart redis
    """
    from nexusdev.operations import lifecycle

    perform(ctx, lambda context: lifecycle.restart(context, names or ()), progress=True)


@app.command(rich_help_panel=RUN)
def reset(
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="Component names (default: all with data).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also with clients connected; PostgreSQL ends their sessions.")
    ] = False,
) -> None:
    """Put the data back to the seeded baseline, in seconds and without restarting a container. Asks for confirmation.

    Databases, keys, buckets and secrets of applications are replaced by what seeding makes of empty servers, the project's seed/ included.
    Users, passwords, leases and metrics stay. Refused while clients are connected.

    \b
    nexusdev reset
    nexusdev reset postgres redis   only these
    nexusdev reset --yes --force    without confirmation, and with clients connected
    """
    from nexusdev.operations import reset as operation

    names = components or ()
    session = current_session(ctx)
    again = " ".join(["nexusdev reset", *names, *(["--force"] if force else [])])
    session.confirm(operation.question(session.context(), names), instead=f"{again} --yes")
    perform(ctx, lambda context: operation.reset(context, names, force=force), progress=True)


@app.command(rich_help_panel=LOOK)
def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh continuously until Ctrl-C.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 if a component is not ready.")] = False,
) -> None:
    """Show the role, state, replication lag or quorum, and host port of every service.

    \b
    nexusdev status
    nexusdev status --watch
    nexusdev status --check         for scripts: exit code 4 if a component is not ready
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
    target: Annotated[str, typer.Argument(help="Component or service.")],
    condition: Annotated[
        str, typer.Option("--for", metavar="CONDITION", help="Condition: ready, writable, unsealed or down.")
    ] = "ready",
) -> None:
    """Wait until a component or service is ready, writable, unsealed or down.

    Exit codes: 0 the condition is met, 11 timeout, 10 a container crashed. A container that is stopped or restarted on purpose does not
    count as crashed; wait continues.

    \b
    nexusdev wait postgres --for writable
    nexusdev wait vault --for unsealed --timeout 30
    nexusdev wait redis-1 --for down
    """
    from nexusdev.operations.wait import wait as operation

    perform(ctx, lambda context: operation(context, target, condition), progress=True)
