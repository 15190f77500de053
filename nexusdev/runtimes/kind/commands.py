"""Runs the programs kind and docker as subprocesses: the one way to them. ``tests/unit/runtimes/kind/fakes.py`` is the fake."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from msgspec import Struct, field

from nexusdev.errors import PreflightFailed, RuntimeSlow

_ENDED_EARLY = (BrokenPipeError, ConnectionResetError)


class Outcome(Struct, frozen=True, kw_only=True):
    """A command that ended.

    Attributes:
        code: Its exit status.
        output: What it wrote to stdout.
        words: What it wrote to stderr, as text.
    """

    code: int
    output: bytes = b""
    words: str = ""


class ProgramRunner(Protocol):
    """Runs programs of this machine."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        timeout: float,
        keeps: Sequence[int] = (),
    ) -> Outcome:
        """Run a program to its end.

        Args:
            argv: The program and its arguments. Never a secret.
            stdin: Its input, in pieces.
            environment: Variables beside those of this process.
            timeout: In seconds, for its input too.
            keeps: File descriptors that it inherits: a lock is held until it has ended, even if this process is killed.

        Raises:
            PreflightFailed: The program does not exist (PROGRAM_MISSING).
            RuntimeSlow: It does not end in time.
        """


class Subprocesses(Struct, frozen=True, kw_only=True):
    """``Commands`` with real processes.

    Attributes:
        environ: The variables of all of them. KUBECONFIG is not passed on: no command may touch the user's own file.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        timeout: float,
        keeps: Sequence[int] = (),
    ) -> Outcome:
        variables = {name: value for name, value in self.environ.items() if name != "KUBECONFIG"}
        try:
            with subprocess.Popen(
                list(argv),
                env={**variables, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
                pass_fds=keeps,
            ) as process:
                return _talk(process, stdin, timeout)
        except FileNotFoundError as error:
            raise no_program(argv[0]) from error
        except subprocess.TimeoutExpired as error:
            raise RuntimeSlow(
                f"{argv[0]} {argv[1]} did not end within {timeout:.0f} s", hint="nexusdev doctor   check the machine"
            ) from error


def _talk(process: subprocess.Popen[bytes], stdin: Iterable[bytes], timeout: float) -> Outcome:
    """Write the input, read the output, and wait. A program that ends early has its say in stderr."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    try:
        with _killed_after(timeout, process) as late:
            with suppress(*_ENDED_EARLY):
                for piece in stdin:
                    process.stdin.write(piece)
            output, words = process.communicate()
    except BaseException:
        _kill(process)
        raise
    if late.is_set():
        raise subprocess.TimeoutExpired(process.args, timeout)
    return Outcome(code=process.returncode, output=output, words=words.decode(errors="replace"))


@contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """Kill a process that does not end in time, which also ends a write that it does not read. Yield whether that happened."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with what it has started, which may hold its output open."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def no_program(name: str) -> PreflightFailed:
    """Return the error for a program that this machine does not have."""
    return PreflightFailed(
        f"{name} is not on this machine",
        why="it is not on the PATH",
        hint="nexusdev doctor   check the runtime",
        code="PROGRAM_MISSING",
    )
