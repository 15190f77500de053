"""The commands run, seed, exec and shell, and one per component that has a client. They need no client on the host."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from nexusdev.cli import options
from nexusdev.cli.app import GROUPS, app
from nexusdev.cli.passthrough import execute, pass_through, supervise
from nexusdev.cli.session import Session, current_session, perform
from nexusdev.components import registry
from nexusdev.errors import UsageError

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.operations.run_in import OneOffCall

USE = GROUPS[1]
# The remaining arguments belong to another program: do not parse its options, and -h may mean a host.
PASSING = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]}

Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ARGUMENT]...", help="Arguments for the client, passed through unchanged."),
]


@app.command(rich_help_panel=USE, context_settings=PASSING)
def run(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    command: options.RunCommand = None,
    no_proof: options.NoProof = False,
    dynamic: options.Dynamic = False,
    image: options.Image = "",
    volumes: options.Volumes = None,
    working_dir: options.WorkingDir = "",
    user: options.User = "",
) -> None:
    """Run a command with the stack's variables in its environment. Exits with the command's exit code.

    Variables that would contradict them (PGSERVICE, AWS_SESSION_TOKEN …) are unset, and loopback is added to NO_PROXY.

    With --in, the command runs in a container on the instance's network, with the container view of the variables. The CA
    certificate, the bundle of trusted authorities and the trust store are mounted at /run/nexusdev. Streams and signals are passed through
    (the third Ctrl-C kills the container), and the container is removed when the command ends. While it runs, anyone with access to the
    engine can read its environment (docker inspect).

    With --dynamic, PGUSER, DATABASE_URL, DATABASE_MIGRATION_URL and the like have logins that exist only for this command. nexusdev renews
    them while it runs (24 hours at most) and revokes them when it ends. A login that a killed nexusdev leaves behind expires within an hour.

    \b
    nexusdev run -- pytest
    nexusdev run -- sh -c 'psql "$DATABASE_URL" -c "SELECT 1"'
    nexusdev -i shop run -- make serve
    nexusdev run --dynamic -- ./manage.py runserver
    nexusdev run --in python:3 -v .:/app -w /app -- python app.py
    """
    if (volumes or working_dir or user) and not image:
        raise UsageError("-v, -w and -u need --in IMAGE", hint="nexusdev run --in IMAGE -v ./src:/src -- COMMAND")
    session, argv = current_session(ctx), without_dashes(command or [])
    context, proof = session.context(), not no_proof
    if image:
        from nexusdev.operations.run_in import in_container

        call = partial(
            in_container, context, image, argv, volumes=volumes or (), working_dir=working_dir, user=user, proof=proof
        )
        _run_in_container(session, context, call, dynamic=dynamic)
        return
    from nexusdev.operations.run import command as prepared

    if not dynamic:
        execute(session, prepared(context, argv, proof=proof))
        return
    from nexusdev.interfaces import View
    from nexusdev.operations.run_dynamic import client_files, held

    with held(context) as lease, client_files(lease) as folder:
        change = partial(lease.in_place, view=View.HOST, folder=folder)
        supervise(session, prepared(context, argv, proof=proof, change=change))


def _run_in_container(session: Session, context: Context, call: Callable[..., OneOffCall], *, dynamic: bool) -> None:
    if not dynamic:
        pass_through(session, call())
        return
    from nexusdev.interfaces import View
    from nexusdev.operations.run_dynamic import held

    with held(context) as lease:
        pass_through(session, call(change=partial(lease.in_place, view=View.CONTAINER)))


@app.command(rich_help_panel=USE)
def seed(
    ctx: typer.Context,
    components: Annotated[
        list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="Components to seed (default: all).")
    ] = None,
) -> None:
    """Create missing databases, users, buckets and policies, and apply the project's seed/ folder.

    Each file in seed/ is applied once per content; running seed again changes nothing. Waits for other commands on this instance to finish.

    \b
    nexusdev seed
    nexusdev seed postgres          seed/postgres/*.sql, ordered by name
    """
    from nexusdev.operations.seed import seed as operation

    perform(ctx, lambda context: operation(context, components or ()), progress=True)


def _client(command: str, component: str) -> None:
    """Register the command that runs the client of a component."""

    def client(ctx: typer.Context, arguments: Arguments = None, no_stdin: options.NoStdin = False) -> None:
        from nexusdev.operations.exec import client as operation

        session = current_session(ctx)
        call = operation(session.context(), component, without_dashes(arguments or []))
        pass_through(session, call, no_stdin=no_stdin)

    help_ = registry.client_help(component)
    app.command(command, help=help_, rich_help_panel=USE, context_settings=PASSING)(client)


for _command, _component in registry.COMMANDS.items():
    _client(_command, _component)


@app.command("exec", rich_help_panel=USE, context_settings=PASSING)
def exec_(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="Service name, such as redis-0.")],
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND [ARGUMENT]...", help="Command to run in the container.")
    ],
    no_stdin: options.NoStdinOfExec = False,
) -> None:
    """Run a command in the container of a service. Streams and exit code are passed through.

    \b
    nexusdev exec redis-0 -- ls -l /data
    nexusdev exec -T redis-0 -- ls -l /data    in a loop or script: does not read its input
    nexusdev exec postgresql-0 -- patronictl list
    """
    from nexusdev.operations.exec import in_service

    session = current_session(ctx)
    pass_through(session, in_service(session.context(), service, without_dashes(command)), no_stdin=no_stdin)


@app.command(rich_help_panel=USE)
def shell(
    ctx: typer.Context,
    service: Annotated[str | None, typer.Argument(help="Service name (default: your own shell on the host).")] = None,
) -> None:
    """Open a shell in the container of a service, or your own shell with the stack's variables.

    \b
    nexusdev shell                  your shell with DATABASE_URL and all other variables
    nexusdev shell postgresql-0
    """
    session = current_session(ctx)
    context = session.context()
    if service is None:
        from nexusdev.operations.run import command

        execute(session, command(context, [os.environ.get("SHELL") or "sh"]))
        return
    from nexusdev.operations.exec import shell as operation

    pass_through(session, operation(context, service))


def without_dashes(words: list[str]) -> list[str]:
    """Return the arguments without a leading ``--``."""
    return words[1:] if words[:1] == ["--"] else words
