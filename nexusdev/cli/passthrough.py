"""Runs programs with the caller's streams: in a container, or by replacing this process."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

from nexusdev.cli.session import Session

if TYPE_CHECKING:
    from nexusdev.operations.exec import Call
    from nexusdev.operations.run import Command
    from nexusdev.operations.run_in import OneOffCall


def pass_through(session: Session, call: Call | OneOffCall, *, no_stdin: bool = False) -> None:
    """Run a program in a container and take over its exit code. With ``--json`` its output goes into the envelope.

    The caller's standard input is attached only if the program reads it, because it may be the rest of a script or loop. Input is
    forwarded as it arrives, so that the call ends with the program even if the input does not end.

    Args:
        session: The current session.
        call: The program and its container.
        no_stdin: Attach neither standard input nor a terminal.
    """
    stdin = None if no_stdin else _stdin()
    if session.globals.json:
        stdin = stdin if call.reads_stdin and stdin is not None and not stdin.isatty() else None
        from nexusdev.operations.exec import collect

        session.finish(collect(call, stdin, instance=session.instance))
        return
    tty = is_terminal() and not no_stdin
    stdin = stdin if tty or call.reads_stdin else None
    session.exit_status = call.attach(stdin, sys.stdout.buffer, sys.stderr.buffer, tty=tty)


def execute(session: Session, command: Command) -> None:
    """Replace this process with a command. With ``--json`` it runs as a child and its output goes into the envelope."""
    if not session.globals.json:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(command.program, command.argv, dict(command.environment))  # noqa: S606 - running the user's command is the purpose
    from nexusdev.operations.run import capture

    session.finish(capture(command, instance=session.instance))


def supervise(session: Session, command: Command) -> None:
    """Run a command as a child process and take over its exit code. With ``--json`` its output goes into the envelope."""
    from nexusdev.operations import run

    if session.globals.json:
        session.finish(run.capture(command, instance=session.instance))
        return
    session.exit_status = run.supervise(command)


def is_terminal() -> bool:
    """Return whether stdin and stdout are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _stdin() -> IO[bytes] | None:
    return sys.stdin.buffer if sys.stdin is not None and not sys.stdin.closed else None
