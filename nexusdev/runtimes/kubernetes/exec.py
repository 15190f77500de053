"""Runs commands in running services by ``kubectl exec``, with the caller's streams."""

from __future__ import annotations

import contextlib
import re
import select
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from nexusdev.errors import NexusError, NotFound, NotReadyInTime, RuntimeRefused
from nexusdev.interfaces import Completed
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.kubernetes import kubectl_errors
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.places import PodTarget

#: What kubectl adds to the errors of a command that fails.
_ENDED = re.compile(rb"command terminated with exit code \d+\r?\n?\Z")
_ENDED_BEGINS = b"command terminated with exit code "
_NOT_RUNNING = re.compile(
    r"container not found|is not running|cannot exec into a container in a completed pod|not have a host assigned"
    r"|no running pods|waiting to start|unable to find .* container|deleted state|container .* is not created or running"
)
_CHUNK = 65536
_TICK = 0.1
_LAST_LINES = 5


class PodExec:
    """One command in one running service. For one use."""

    def __init__(
        self,
        kubectl: Kubectl,
        names: InstanceNames,
        service: str,
        target: PodTarget,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._kubectl = kubectl
        self._service = service
        settings = [f"{name}={value}" for name, value in (environment or {}).items()]
        self._where = (target.ref, "--namespace", names.namespace, "--container", target.container)
        self._argv = ("env", *settings, *argv) if settings else tuple(argv)

    def collect(self, stdin: bytes | None, timeout: float | None) -> Completed:
        """Write the input and return the output.

        Args:
            stdin: The input; None for none.
            timeout: Time limit, in seconds; None for none.

        Raises:
            NotFound: The service does not run.
            NotReadyInTime: The time limit is reached. The command itself continues in its container.
        """
        process = self._start(tty=False, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            out, err = process.communicate()
            lines = (err or out).decode(errors="replace").splitlines()[-_LAST_LINES:]
            raise NotReadyInTime(f"the command timed out after {timeout:g} s", evidence=lines) from error
        return Completed(exit_code=self._checked(process.returncode, err), stdout=out, stderr=_ENDED.sub(b"", err))

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run the command with these streams. Exceptions of the caller's own streams are raised unchanged.

        Returns:
            The exit code of the command.
        """
        if tty and stdin is not None and _is_file(stdin) and _is_file(stdout):
            return self._on_terminal(stdin, stdout, stderr)
        process = self._start(tty=False, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        over = threading.Event()
        errors = _Errors(process.stderr, stderr)
        threading.Thread(target=_pump, args=(stdin, process.stdin, over), name="stdin", daemon=True).start()
        try:
            while process.stdout and (chunk := process.stdout.read1(_CHUNK)):  # type: ignore[attr-defined]
                stdout.write(chunk)
                stdout.flush()
            code = process.wait()
        finally:
            over.set()
            process.kill()
        return self._checked(code, errors.end())

    def _on_terminal(self, stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes]) -> int:
        """Give kubectl the terminal itself: it sets it to raw mode and passes its size on."""
        process = self._start(tty=True, stdin=stdin, stdout=stdout)
        errors = _Errors(process.stderr, stderr)
        code = process.wait()
        return self._checked(code, errors.end())

    def _start(
        self, *, tty: bool, stdin: int | IO[bytes], stdout: int | IO[bytes] = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        flags = (*(("--stdin",) if stdin != subprocess.DEVNULL else ()), *(("--tty",) if tty else ()))
        return self._kubectl.start(
            "exec", *flags, "--quiet", *self._where, "--", *self._argv, stdin=stdin, stdout=stdout, foreground=tty
        )

    def _checked(self, code: int, errors: bytes) -> int:
        """Return the exit code of the command. An error of kubectl itself is raised."""
        if code == 0 or _ENDED.search(errors):
            return code
        raise self._translated(errors.decode(errors="replace"))

    def _translated(self, words: str) -> NexusError:
        if _NOT_RUNNING.search(words):
            return shared_errors.no_container(self._service)
        error = kubectl_errors.translated(words, self._kubectl.context)
        if isinstance(error, NotFound):
            return shared_errors.no_container(self._service)
        if isinstance(error, RuntimeRefused) and "executable file not found" in words:
            return NotFound(f"{self._argv[0]} is not in the image of {self._service}")
        return error


class _Errors:
    """Copies the errors of a command to the caller, without the line that kubectl adds."""

    def __init__(self, source: IO[bytes] | None, target: IO[bytes]) -> None:
        self._source = source
        self._target = target
        self._kept = b""
        self._last = b""
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._copy, name="stderr", daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        try:
            while self._source and (chunk := self._source.read1(_CHUNK)):  # type: ignore[attr-defined]
                self._last = (self._last + chunk)[-_CHUNK:]
                data = self._kept + chunk
                place = data.rfind(_ENDED_BEGINS)
                self._kept = data[place:] if place >= 0 else b""
                self._write(data[:place] if place >= 0 else data)
        except BaseException as error:  # raised in the thread that waits
            self._failure = error

    def _write(self, data: bytes) -> None:
        if data:
            self._target.write(data)
            self._target.flush()

    def end(self) -> bytes:
        """Return the last errors, once everything was copied. What was kept back and is not kubectl's line goes to the caller."""
        self._thread.join()
        if self._failure:
            raise self._failure
        if not _ENDED.search(self._kept):
            self._write(self._kept)
        return self._last


def _pump(stdin: IO[bytes] | None, target: IO[bytes] | None, over: threading.Event) -> None:
    """Copy the caller's input until either ends; consumes nothing after that."""
    if stdin is None or target is None:
        return
    with contextlib.suppress(OSError, ValueError):
        while not over.is_set():
            if not _readable(stdin):
                continue
            chunk = stdin.read1(_CHUNK) if hasattr(stdin, "read1") else stdin.read(_CHUNK)
            if not chunk:
                break
            target.write(chunk)
            target.flush()
    with contextlib.suppress(OSError, ValueError):
        target.close()


def _readable(stdin: IO[bytes]) -> bool:
    try:
        return bool(select.select([stdin], [], [], _TICK)[0])
    except (OSError, ValueError, TypeError):  # no file: bytes in memory are always there
        return True


def _is_file(stream: IO[bytes]) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError, AttributeError):
        return False
