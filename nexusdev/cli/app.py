"""The command line: global options, the commands in groups, and how a run of it ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nexusdev import __version__
from nexusdev.cli.console import Console
from nexusdev.cli.global_options import Globals, may_color, move_global_options_first, wants_json
from nexusdev.cli.session import Session
from nexusdev.cli.usage import ParseError, explained, no_command

GROUPS = ("Run the stack", "Use it", "Look into it", "Configure and maintain")


class Commands(TyperGroup):
    """A group whose help shows its commands by theme, and that names the nearest command for a wrong one."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        shown = {name: self.commands[name] for name in self.list_commands(ctx) if not self.commands[name].hidden}
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


def group(name: str, help: str, *, panel: str = GROUPS[3]) -> typer.Typer:  # noqa: A002 - Typer's own word
    """A command that has commands (``images list``): made, registered, and returned to be filled."""
    made = typer.Typer(name=name, cls=Commands, help=help, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nexusdev {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main_options(  # noqa: PLR0917 - options of a command
    ctx: typer.Context,
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", help="Name of the instance (default: from the folder's path).")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", "-C", help="Work as if started in this folder.", metavar="FOLDER")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option("--runtime", help="Where the instance runs: docker.", metavar="NAME")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", help="How long to wait in all: seconds, or 90s, 10m.", metavar="TIME")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON envelope on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Every step, and tracebacks of bugs.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (also NO_COLOR=1).")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is removed.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The whole Nexus platform on this machine: PostgreSQL, Redis, MinIO, Vault and Prometheus as in production.

    \b
    nexusdev up                     everything, ready, seeded and proven
    nexusdev status                 who is primary, what lags, what is down
    nexusdev run -- pytest          a command with the proven environment
    nexusdev down                   remove the containers, keep the data

    Global options may stand before or after the command.
    """
    session: Session = ctx.find_root().obj
    session.globals = Globals(
        instance=instance,
        project=project,
        runtime=runtime,
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
    """The session of a command line, ready to run it."""
    words = move_global_options_first(argv)
    return Session(console=Console(as_json=wants_json(words), color=may_color(words)))


def run(session: Session, argv: Sequence[str]) -> int:
    """Parse and run one command line; its exit status. Raises NexusError for ``__main__`` to print."""
    from nexusdev.cli import commands, completion  # noqa: F401 - registers the commands

    command = typer.main.get_command(app)
    if completion.is_asked():
        completion.prepare()
        command.main(args=[], prog_name="nexusdev")
    try:
        # Not `main`: it ends with 1 when the reader of our output has gone, which is no failure.
        with command.make_context("nexusdev", move_global_options_first(argv), obj=session) as ctx:
            status = command.invoke(ctx)
    except typer.Exit as ended:
        return ended.exit_code
    except ParseError as error:
        raise explained(error) from None
    return status if isinstance(status, int) and status else session.exit_status
