"""State of one run of the command line: global options, console, and the Context for operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import typer
from msgspec import Struct, field

from nexusdev.cli.console import Console
from nexusdev.cli.global_options import Globals
from nexusdev.errors import ConfirmationNeeded, Declined, NexusError

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.env.fast import FailedProof
    from nexusdev.results import Result


#: Commands that neither need a healthy stack nor care about what a drill left behind.
UNAFFECTED = frozenset(
    (
        "down",
        "destroy",
        "stop",
        "gc",
        "ls",
        "logs",
        "timings",
        "doctor",
        "ports",
        "images",
        "config",
        "version",
        "completion",
        "render",
        "adopt",
    )
)


class Session(Struct, kw_only=True):
    """The state of one process of the command line.

    Attributes:
        command: Its name in the envelope: ``up``, ``images list``.
        follows: Whether it runs until it is interrupted (``logs -f``): an interruption is no failure then.
        failed_proof: The result of the quick path of ``env``.
        doubles: Members of Context that a test replaces: the engine, the components, the clock.
    """

    console: Console
    globals: Globals = field(default_factory=Globals)
    command: str = ""
    instance: str = ""
    exit_status: int = 0
    follows: bool = False
    doubles: Mapping[str, Any] = field(default_factory=dict)
    failed_proof: FailedProof | None = None

    def context(self, **flags: object) -> Context:
        """The project, the instance and the settings that are meant; ``flags`` override settings by their key."""
        from nexusdev.context import open_context

        given = self.globals
        context = open_context(
            given.project,
            flags={**given.settings, **flags},
            listener=self.console,
            failed_proof=self.failed_proof,
            **self.doubles,
        )
        self.instance = context.identity.name
        self._undo_killed_drill(context)
        return context

    def _undo_killed_drill(self, context: Context) -> None:
        """Undo a drill that was killed, before a command that uses the servers."""
        from nexusdev.instance.paths import folder_of

        if not (folder_of(context.root, context.identity.name) / "drill.json").exists():
            return
        if self.command.partition(" ")[0] not in UNAFFECTED:
            from nexusdev.operations.drill import heal

            heal(context)

    def finish(self, result: Result) -> None:
        """Print a result and keep its exit status for the process."""
        self.exit_status = self.console.show(result, command=self.command)

    def confirm(self, question: str, *, instead: str) -> None:
        """Ask for confirmation; ``--yes`` answers it.

        Args:
            question: Text of the prompt.
            instead: Command to suggest if there is no terminal.

        Raises:
            ConfirmationNeeded: There is no terminal.
            Declined: The user answered no.
        """
        if self.globals.yes:
            return
        answer = self.console.ask(question)
        if answer is None:
            raise ConfirmationNeeded(
                f"confirmation needed: {question.rstrip('?')}", why="there is no terminal to ask on", hint=instead
            )
        if not answer:
            raise Declined("nothing was changed")


def current_session(ctx: typer.Context) -> Session:
    """Return the session of a command and set its command name, such as ``images list``."""
    found = cast(Session, ctx.find_root().obj)
    found.command = ctx.command_path.partition(" ")[2] or found.command
    return found


def perform(
    ctx: typer.Context,
    act: Callable[[Context], Result],
    *,
    progress: bool = False,
    flags: Mapping[str, object] | None = None,
) -> None:
    """Run one operation and print its result.

    Args:
        ctx: Typer's context.
        act: The operation.
        progress: Show a live board while it runs.
        flags: Settings that options of the command give.
    """
    session = current_session(ctx)
    context = session.context(**(flags or {}))
    if not progress:
        session.finish(act(context))
        return
    with session.console.progress():
        result = act(context)
    session.finish(result)


def interruption(session: Session) -> NexusError:
    """Build the error for a command that a signal interrupted: what remains, and what to type next."""
    if session.console.awaited:
        return NexusError(
            f"{session.command} was interrupted while waiting for {session.console.awaited}",
            why="it had not started; nothing was changed",
            code="INTERRUPTED",
        )
    changing = session.command in {"up", "start", "restart", "seed", "secrets rotate"}
    error = NexusError(
        f"{session.command or 'nexusdev'} was interrupted",
        why="started containers keep running; no data is lost" if changing else "",
        hint="nexusdev up     continue\nnexusdev down   remove the started containers" if changing else "",
        code="INTERRUPTED",
    )
    if session.command == "snapshot restore":
        error.hint = "nexusdev status   tells whether it had begun\nnexusdev snapshot restore   finish it, if it had"
    if session.command == "reset":
        error.hint = "nexusdev reset   finish it"
    if session.command.startswith("lease "):
        error.hint = "nexusdev lease drop --expired   remove what it left"
    if session.command == "drill":
        error.why = "what it broke works again, and everything is ready and proven"
    if session.command == "demo":
        error.why = "what it broke is started again; the sample data of the shop may be left"
        error.hint = "nexusdev start          start what is stopped\nnexusdev demo --clean   remove the sample data"
    if session.command in {"down", "destroy", "stop"}:
        error.hint = (
            f"nexusdev {session.command}   finish the removal"
            if session.command != "stop"
            else "nexusdev stop   finish stopping"
        )
    return error
