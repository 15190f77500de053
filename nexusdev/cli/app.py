"""Defines the command line: global options, command groups and the exit status."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from nexusdev.cli import options
from nexusdev.cli.console import Console
from nexusdev.cli.global_options import Globals, may_color, move_global_options_first, wants_json
from nexusdev.cli.lazy import LazyCommands, lazy_group
from nexusdev.cli.session import Session
from nexusdev.cli.usage import ParseError, explained, no_command

_NARROW = 52
GROUPS = ("Run the stack", "Use the stack", "Inspect the stack", "Configure and maintain")


class Commands(TyperGroup):
    """Command group that lists its commands by panel and suggests the closest name for an unknown command."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        # Typer's own method takes the commands too, which would build all of them.
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = self.commands
        summary = commands.summary if isinstance(commands, LazyCommands) else commands.__getitem__
        shown = {name: each for name in self.list_commands(ctx) if not (each := summary(name)).hidden}
        width = max((len(name) for name in shown), default=0)
        for group in dict.fromkeys((*GROUPS, *map(_group, shown.values()))):
            rows = [
                (name.ljust(width), each.get_short_help_str(limit=200))
                for name, each in shown.items()
                if _group(each) == group
            ]
            if rows:
                with formatter.section(group):
                    formatter.write_dl(rows)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        # Click wraps its help at 50 columns or more, and at the given width without that limit. Commands inherit it.
        if parent is None and (columns := shutil.get_terminal_size().columns) < _NARROW:
            extra = {"terminal_width": max(columns - 2, 20), **extra}
        return super().make_context(info_name, args, parent, **extra)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise no_command(args[0], self.list_commands(ctx), ctx.command_path)
        return super().resolve_command(ctx, args)


def _group(command: Any) -> str:
    panel = getattr(command, "rich_help_panel", None)
    return panel if isinstance(panel, str) and panel else "Commands"


app = typer.Typer(
    name="nexusdev",
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def group(name: str, help: str, *, panel: str = GROUPS[3]) -> typer.Typer:  # noqa: A002 - Typer's name for it
    """Create and register a command group such as ``images``.

    Args:
        name: Name of the group on the command line.
        help: One-line help text.
        panel: Panel of the main help that lists the group.

    Returns:
        The Typer application to which the caller adds the commands.
    """
    made = typer.Typer(name=name, cls=Commands, help=help, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


@app.callback(invoke_without_command=True)
def main_options(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    instance: options.InstanceName = None,
    project: options.Project = None,
    runtime: options.RuntimeName = None,
    context: options.ClusterContext = None,
    namespace: options.ClusterNamespace = None,
    timeout: options.Timeout = None,
    json: options.JsonOutput = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    no_color: options.NoColor = False,
    yes: options.Yes = False,
    version: options.Version = False,  # noqa: ARG001 - its callback does it
) -> None:
    """Run the whole Nexus platform on this machine: PostgreSQL, Redis, MinIO, Vault and Prometheus, as in production.

    \b
    nexusdev up                     start, seed and verify the whole stack
    nexusdev status                 show roles, replication lag and failures
    nexusdev run -- pytest          run a command with the stack's variables
    nexusdev down                   remove the containers, keep the data

    Global options can be placed before or after the command.
    """
    session: Session = ctx.find_root().obj
    session.globals = Globals(
        instance=instance,
        project=project,
        runtime=runtime,
        context=context,
        namespace=namespace,
        json=json,
        quiet=quiet,
        verbose=verbose,
        color=not no_color,
        yes=yes,
        timeout=timeout,
    )
    session.console.quiet, session.console.verbose = quiet, verbose
    session.command = ctx.invoked_subcommand or ""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(2)


def start(argv: Sequence[str]) -> Session:
    """Create the session for a command line, before it is parsed.

    Args:
        argv: Arguments without the program name.
    """
    words = move_global_options_first(argv)
    return Session(console=Console(as_json=wants_json(words), color=may_color(words)))


def run(session: Session, argv: Sequence[str]) -> int:
    """Parse and run one command line.

    Args:
        session: The session that ``start`` created.
        argv: Arguments without the program name.

    Returns:
        The exit status.

    Raises:
        NexusError: The command failed or the command line is invalid. ``__main__`` prints it.
    """
    from nexusdev.cli import commands, completion  # noqa: F401 - registers the commands

    command = lazy_group(app)
    if completion.is_asked():
        completion.prepare()
        command.main(args=[], prog_name="nexusdev")
    try:
        # Not `main`: it exits with 1 on a closed output pipe, which is not a failure here.
        with command.make_context("nexusdev", move_global_options_first(argv), obj=session) as ctx:
            status = command.invoke(ctx)
    except typer.Exit as ended:
        return ended.exit_code
    except ParseError as error:
        raise explained(error) from error
    return status if isinstance(status, int) and status else session.exit_status
