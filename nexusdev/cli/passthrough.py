"""Programs that get the caller's own streams: inside a container, or in the place of this process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from nexusdev.cli.session import Session
from nexusdev.results import Outcome

if TYPE_CHECKING:
    from nexusdev.operations.exec import Call
    from nexusdev.operations.run import Command
    from nexusdev.operations.run_in import OneOffCall


def pass_through(session: Session, call: Call | OneOffCall, *, no_stdin: bool = False) -> None:
    """Run a program in a container; its exit code becomes ours. With --json its output goes into the envelope.

    It gets the caller's input only where it reads it: that may be the rest of the script, or of the loop, that called us. What it reads
    is passed on as it comes, so that the program's end is the end whether or not the input has one.
    """
    stdin = None if no_stdin else _stdin()
    if session.globals.json:
        stdin = stdin if call.reads_stdin and stdin is not None and not stdin.isatty() else None
        out, err = io.BytesIO(), io.BytesIO()
        status = call.attach(stdin, out, err, tty=False)
        session.finish(_failure(session, status, out.getvalue(), err.getvalue()))
        return
    tty = is_terminal() and not no_stdin
    stdin = stdin if tty or call.reads_stdin else None
    session.exit_status = call.attach(stdin, sys.stdout.buffer, sys.stderr.buffer, tty=tty)


def execute(session: Session, command: Command) -> None:
    """Become this command: signals, terminal and exit code are its own. With --json it is run and its output kept."""
    if not session.globals.json:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(command.program, command.argv, dict(command.environment))  # noqa: S606 - that is what was asked for
    done = subprocess.run(
        command.argv, executable=command.program, env=dict(command.environment), capture_output=True, check=False
    )
    session.finish(_failure(session, done.returncode, done.stdout, done.stderr))


def is_terminal() -> bool:
    """Whether a program can have the caller's terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _stdin() -> IO[bytes] | None:
    return sys.stdin.buffer if sys.stdin is not None and not sys.stdin.closed else None


def _failure(session: Session, exit_code: int, stdout: bytes, stderr: bytes) -> Outcome:
    return Outcome(
        instance=session.instance,
        data={
            "exit_code": exit_code,
            "stdout": stdout.decode("utf-8", "replace"),
            "stderr": stderr.decode("utf-8", "replace"),
        },
        exit_status=exit_code,
    )
