"""run: replaces nexusdev by a command with the proven variables and nothing that contradicts them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.env.companions import FILE_ONLY, UNUSABLE, companions_of
from nexusdev.env.proxies import with_loopback
from nexusdev.errors import NotFound, UsageError
from nexusdev.operations.env import values_for_run
from nexusdev.operations.exec import ProgramResult
from nexusdev.runtimes.terminal import caller_signals


class Command(Struct, frozen=True, kw_only=True):
    """A command to run on the host.

    Attributes:
        program: The path that ``argv[0]`` resolves to.
    """

    program: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]


def command(
    context: Context,
    argv: Sequence[str],
    *,
    proof: bool = True,
    change: Callable[[Mapping[str, str]], Mapping[str, str]] = dict,
) -> Command:
    """Return the command with its environment.

    Args:
        context: The context of the command.
        argv: The program and its arguments.
        proof: False to use the stored variables without a proof.
        change: Replaces values after the proof.

    Raises:
        IdentityMismatch: Another instance answers (exit 9).
        Degraded: An endpoint is not proven (exit 4).
    """
    if not argv:
        raise UsageError("no command given", hint="nexusdev run -- COMMAND [ARGUMENT]...")
    values = change(values_for_run(context, proof=proof))
    environment = environment_for(argv[0], values, context.environ)
    program = shutil.which(argv[0], path=environment.get("PATH"))
    if program is None:
        raise NotFound(f"command not found: {argv[0]}", why="it is not in PATH", hint="nexusdev run -- COMMAND …")
    return Command(program=program, argv=tuple(argv), environment=environment)


def capture(command: Command, *, instance: str = "") -> ProgramResult:
    """Run the command as a child process and return its output. A failing command is not an error; see ``exit_code``."""
    done = subprocess.run(
        command.argv, executable=command.program, env=dict(command.environment), capture_output=True, check=False
    )
    return ProgramResult(instance=instance, exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def supervise(command: Command) -> int:
    """Run the command as a child process with the caller's streams, and forward the signals that this process receives.

    Returns:
        Its exit code; 128 + the number of the signal that ended it.
    """
    with caller_signals() as received:
        child = subprocess.Popen(command.argv, executable=command.program, env=dict(command.environment))
        threading.Thread(target=lambda: received.put(child.wait() and 0), name="await-command", daemon=True).start()
        while number := received.get():
            if not _sent_by_terminal(number):
                child.send_signal(number)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _sent_by_terminal(number: int) -> bool:
    """Return whether the terminal sent this signal to the child too, because both are in its foreground process group."""
    if number not in {signal.SIGINT, signal.SIGQUIT}:
        return False
    try:
        with Path("/dev/tty").open("rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def environment_for(program: str, values: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment with the variables, without variables that would change their meaning or stop the program.

    Args:
        program: The command's first word.
        values: The proven variables.
        environ: The caller's environment. Its proxy exceptions get loopback added, and its NODE_OPTIONS are kept.
    """
    unusable = UNUSABLE.get(PurePath(program).name, ())
    unset = {*companions_of(values), *unusable}
    kept = {name: value for name, value in environ.items() if name not in unset}
    ours = {name: value for name, value in values.items() if name not in (*FILE_ONLY, *unusable)}
    return {**kept, **ours, **with_loopback(environ)}
