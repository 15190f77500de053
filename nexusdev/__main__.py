"""The start and the end of the process: the quick path of ``env``, signals, error messages and exit statuses."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from nexusdev.errors import NexusError, OutputFailed
from nexusdev.util.standard_streams import open_streams

if TYPE_CHECKING:
    from nexusdev.cli.session import Session
    from nexusdev.env.fast import FailedProof


class Stopped(BaseException):
    """A signal asked this process to end. Not an Exception: nothing on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_status = 128 + number


class ThreadFailed(BaseException):
    """A background thread ended with an unexpected exception. Not an Exception: the main thread must not handle it as its own."""

    def __init__(self, bug: Exception) -> None:
        super().__init__(bug)
        self.bug = bug


def main(argv: Sequence[str] | None = None) -> None:
    """The console script."""
    status = _guarded(list(sys.argv[1:] if argv is None else argv))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, OutputFailed):
            stream.flush()
    # All output is written. A normal exit takes 17 ms of the 134 ms of --help, and would shut the interpreter down while daemon threads still report
    # progress.
    os._exit(status)


def _guarded(argv: list[str]) -> int:
    """Run the command. End without an error message if the reader of the output has exited."""
    open_streams()
    _listen_to_signals()
    _show_stacks_on_request()
    _end_with_failed_threads()
    try:
        status = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Buffered output has no destination any more; without this Python reports an error at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OutputFailed as error:
        return _unwritten(error)
    except Stopped as stopped:
        return stopped.exit_status
    return status


def _run(argv: list[str]) -> int:
    quick = _env_fast_path(argv)
    if isinstance(quick, int):
        return quick
    from nexusdev.cli.app import start

    session = start(argv)
    session.failed_proof = quick
    return ended(session, argv)


def ended(session: Session, argv: list[str]) -> int:
    """Run a command line to its end, whichever that is; its exit status."""
    from nexusdev.cli.app import run

    try:
        return run(session, argv)
    except OutputFailed:
        raise
    except NexusError as error:
        return _bug(session, error, argv) if error.is_bug else _failed(session, error)
    except (Stopped, KeyboardInterrupt) as stopped:
        return _interrupted(session, stopped)
    except BrokenPipeError:
        raise
    except ThreadFailed as failed:
        return _bug(session, failed.bug, argv)
    except Exception as bug:
        return _bug(session, bug, argv)


def _unwritten(error: OutputFailed) -> int:
    """Say on stderr that stdout cannot be written, also with ``--json``: its envelope has nowhere else to go."""
    from nexusdev.cli.console import Console

    Console(color=False).fail(error, command="")
    return error.exit_status


def _env_fast_path(argv: list[str]) -> int | FailedProof | None:
    """Let ``env`` answer before Typer is imported. A failed proof or None: the full command has to do it."""
    if "env" not in argv[:1]:
        return None
    from nexusdev.env.fast import FailedProof, answer

    try:
        return answer(argv)
    except FailedProof as failed:
        return failed
    except OutputFailed:
        raise
    except Exception as bug:
        from nexusdev.cli.app import start

        return _bug(start(argv), bug, argv)


def _listen_to_signals() -> None:
    def stop(number: int, _frame: FrameType | None) -> None:
        # A second signal of the same kind ends the process at once.
        signal.signal(number, signal.SIG_DFL)
        raise Stopped(number)

    _raise_again_where_python_ignores_it()

    numbers = [signal.SIGINT, signal.SIGTERM]
    # The terminal was closed. A process started by nohup ignores SIGHUP and must keep ignoring it.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        with contextlib.suppress(ValueError, OSError):
            signal.signal(number, stop)


def _show_stacks_on_request() -> None:
    """Write the stacks of all threads to stderr on SIGUSR2, so that a command that hangs can be read. It goes on afterwards."""
    if hasattr(faulthandler, "register"):  # not on Windows
        with contextlib.suppress(OSError, RuntimeError):
            # By its number: sys.stderr has no file when it is captured.
            faulthandler.register(signal.SIGUSR2, file=2)


def _raise_again_where_python_ignores_it() -> None:
    """Raise ``Stopped`` again a moment later when it arose where Python only reports exceptions: in a finalizer or a weak
    reference's callback. Without this the signal would be lost, and the command would go on."""
    reported = sys.unraisablehook

    def report(ignored: sys.UnraisableHookArgs) -> None:
        stopped = ignored.exc_value
        if not isinstance(stopped, Stopped):
            reported(ignored)
            return

        def again(_number: int, _frame: FrameType | None) -> None:
            raise stopped

        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    sys.unraisablehook = report


def _end_with_failed_threads() -> None:
    """Raise ``ThreadFailed`` in the main thread when a background thread ends with an exception.

    Python would print the traceback into the progress, and the command would go on without the thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    main_thread, reported, failed = threading.get_ident(), threading.excepthook, list[Exception]()

    def fail(_number: int, _frame: FrameType | None) -> None:
        if failed:
            raise ThreadFailed(failed.pop())

    def report(ended: threading.ExceptHookArgs) -> None:
        if not isinstance(ended.exc_value, Exception):
            reported(ended)
            return
        if ended.thread is not None:
            ended.exc_value.add_note(f"in the thread: {ended.thread.name}")
        failed.append(ended.exc_value)
        signal.pthread_kill(main_thread, signal.SIGUSR1)

    signal.signal(signal.SIGUSR1, fail)
    threading.excepthook = report


def _interrupted(session: Session, stopped: BaseException) -> int:
    """Say what remains, and end as signals end programs."""
    status = stopped.exit_status if isinstance(stopped, Stopped) else 130
    if session.follows:
        return status
    from nexusdev.cli.session import interruption

    with contextlib.suppress(OSError):
        session.console.fail(interruption(session), command=session.command, instance=session.instance)
    return status


def _failed(session: Session, error: NexusError) -> int:
    """Print an error; with ``-v`` its traceback first."""
    session.console.trace(error)
    session.console.fail(error, command=session.command, instance=session.instance)
    return error.exit_status


def _bug(session: Session, bug: Exception, argv: Sequence[str]) -> int:
    """Print an unexpected exception in short and write its traceback to a file (``-v`` prints it too). A full disk is no bug."""
    from nexusdev.cli.bug_report import of_storage, reported
    from nexusdev.cli.progress import counted

    session.console.trace(bug)
    console = session.console
    plan = counted(console.plan) if console.plan else ""
    facts = {"instance": session.instance, "phase": console.phase, "plan": plan}
    error = of_storage(bug) or reported(bug, session.command, argv, facts)
    session.console.fail(error, command=session.command, instance=session.instance)
    return error.exit_status


if __name__ == "__main__":
    main()
