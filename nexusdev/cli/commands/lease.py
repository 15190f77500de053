"""The commands lease create, prepare, list, env and drop."""

from __future__ import annotations

from typing import Annotated

import typer

from nexusdev.cli.app import GROUPS, group
from nexusdev.cli.commands.env import FORMATS
from nexusdev.cli.session import current_session, perform
from nexusdev.cli.variables import print_variables

lease = group("lease", "Isolated slices of the running stack, for tests and experiments.", panel=GROUPS[1])

_TEMPLATE = "Start with a copy of this lease's database. Nobody can connect to the original afterwards."


@lease.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name: lower-case letters, digits and dashes (default: a generated one).")
    ] = "",
    ttl: Annotated[str, typer.Option("--ttl", help="Lifetime: 90s, 10m, 1h30m, 2d.", metavar="TIME")] = "1h",
    template: Annotated[str, typer.Option("--from", help=_TEMPLATE, metavar="LEASE")] = "",
) -> None:
    """Create an isolated slice of the running stack: a database, a Redis user, a bucket and a Vault path of its own.

    \b
    nexusdev lease create orders --ttl 2h
    eval "$(nexusdev lease env orders --format shell)"
    nexusdev lease drop orders

    No lease can read what belongs to another one. An expired lease is dropped by the next lease command, by up, start, restart and by gc.
    """
    from nexusdev.operations import lease as operation

    perform(ctx, lambda context: operation.create(context, name, ttl=ttl, template=template))


@lease.command("prepare")
def prepare(
    ctx: typer.Context,
    count: Annotated[int, typer.Argument(help="How many there are afterwards, at least.")],
    template: Annotated[str, typer.Option("--from", help=_TEMPLATE, metavar="LEASE")] = "",
) -> None:
    """Make leases in advance, so that creating one takes milliseconds. They are kept for a day.

    \b
    nexusdev lease prepare 4
    """
    from nexusdev.operations import lease as operation

    perform(ctx, lambda context: operation.prepare(context, count, template=template))


@lease.command("list")
def list_(ctx: typer.Context) -> None:
    """List the leases: when each expires, and what it consists of.

    \b
    nexusdev lease list
    """
    from nexusdev.operations import lease as operation

    perform(ctx, operation.list_leases)


@lease.command("env")
def env(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the lease.")],
    style: Annotated[
        str, typer.Option("--format", "-f", help=f"Output format: {FORMATS}.", metavar="FORMAT", show_default=True)
    ] = "dotenv",
) -> None:
    """Print the variables of nexusdev env, pointed at a lease.

    \b
    eval "$(nexusdev lease env orders --format shell)"   bash, zsh
    nexusdev lease env orders > .env.test

    In addition to these variables: REDIS_KEY_PREFIX, S3_BUCKET and VAULT_KV_PREFIX say what the lease may use.
    """
    from nexusdev.operations import lease as operation

    session = current_session(ctx)
    found = operation.env(session.context(), name, style=style)
    if not session.globals.json:
        print_variables(session, found)
    session.finish(found)


@lease.command("drop")
def drop(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the lease.")] = "",
    expired: Annotated[
        bool, typer.Option("--expired", help="Drop all that have expired or whose creation was interrupted.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Drop all leases, also those that were made in advance.")
    ] = False,
) -> None:
    """Remove a lease and everything in it: databases, keys, buckets, secrets, users.

    \b
    nexusdev lease drop orders
    nexusdev lease drop --expired
    """
    from nexusdev.operations import lease as operation

    perform(ctx, lambda context: operation.drop(context, name, expired=expired, everything=everything))
