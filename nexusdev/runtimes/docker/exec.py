"""Runs commands in running containers, with the caller's streams.

Uses the engine's socket directly: the SDK reads the response through a buffer and may keep the first bytes of a quick command's output
there, and it cannot close the command's standard input.
"""

from __future__ import annotations

import contextlib
import json
import select
import signal
import socket
import ssl
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

from nexusdev.errors import NotReadyInTime, RuntimeRefused
from nexusdev.interfaces import Completed
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.http_client import open_socket
from nexusdev.runtimes.terminal import raw_terminal, terminal_size

_STDERR = 2
_CHUNK = 65536
_TICK = 0.1


class Attached(ABC):
    """A command in a container with its raw stream. For one use."""

    def __init__(self, engine: Engine, *, tty: bool) -> None:
        self._engine = engine
        self._tty = tty

    @abstractmethod
    def _request(self) -> tuple[str, bytes]:
        """Return path and body of the POST whose connection becomes the stream."""

    @abstractmethod
    def _exit_code(self) -> int:
        """Return the exit code of the command, whose stream has ended."""

    @abstractmethod
    def _set_size(self, rows: int, columns: int) -> None:
        """Tell the command's terminal its size."""

    def _started(self) -> None:  # noqa: B027 - most commands are started by the request itself
        """Called when the stream is open."""

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes]) -> int:
        """Connect the streams until the command ends. Exceptions of the caller's own streams are raised unchanged.

        Returns:
            The exit code of the command.
        """
        over = threading.Event()
        with self._begun() as (connection, early), contextlib.ExitStack() as stack:
            if self._tty and stdin is not None:
                stack.enter_context(raw_terminal(stdin))
                stack.enter_context(_on_resize(self._resize))
            pump = (connection, stdin, over, not self._tty)
            threading.Thread(target=_pump, args=pump, name="stdin", daemon=True).start()
            try:
                for source, chunk in self._incoming(connection, early):
                    target = stderr if source == _STDERR else stdout
                    target.write(chunk)
                    target.flush()
            finally:
                over.set()
        with translate_engine_errors(self._engine.endpoint):
            return self._exit_code()

    def _incoming(self, connection: socket.socket, early: bytes) -> Iterator[tuple[int, bytes]]:
        with translate_engine_errors(self._engine.endpoint):
            yield from _frames(_reader(connection, early, None), tty=self._tty)

    def _resize(self) -> None:
        rows, columns = terminal_size()
        with contextlib.suppress(Exception):  # the command may have ended already
            self._set_size(rows, columns)

    @contextlib.contextmanager
    def _begun(self) -> Iterator[tuple[socket.socket, bytes]]:
        """Yield the raw stream of the started command, and the part of it that was received with the response header."""
        with translate_engine_errors(self._engine.endpoint):
            connection = open_socket(self._engine.endpoint)
        try:
            with translate_engine_errors(self._engine.endpoint):
                early = self._ask(connection)
                self._started()
            yield connection, early
        finally:
            connection.close()

    def _ask(self, connection: socket.socket) -> bytes:
        path, body = self._request()
        head = (
            f"POST /v{self._engine.version}{path} HTTP/1.1\r\nHost: docker\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return _after_head(connection)


class Exec(Attached):
    """One command in one running container. For one use."""

    def __init__(
        self,
        engine: Engine,
        container: str,
        argv: Sequence[str],
        *,
        tty: bool = False,
        environment: Mapping[str, str] | None = None,
        with_stdin: bool = False,
    ) -> None:
        super().__init__(engine, tty=tty)
        made = engine.api.exec_create(
            container, list(argv), stdin=with_stdin, tty=tty, environment=dict(environment or {})
        )
        self._id = made["Id"]

    def collect(self, stdin: bytes | None, timeout: float | None) -> Completed:
        """Write the input and return the output.

        Args:
            stdin: The input; None for none.
            timeout: Time limit, in seconds; None for none.

        Raises:
            NotReadyInTime: The time limit is reached. The command itself continues in its container.
        """
        stdout, stderr = bytearray(), bytearray()
        with self._begun() as (connection, early):
            connection.settimeout(timeout)
            deadline = None if timeout is None else time.monotonic() + timeout
            threading.Thread(target=_feed, args=(connection, stdin), name="stdin", daemon=True).start()
            try:
                for source, chunk in _frames(_reader(connection, early, deadline), tty=self._tty):
                    (stderr if source == _STDERR else stdout).extend(chunk)
            except TimeoutError as error:
                raise NotReadyInTime(
                    f"the command timed out after {timeout:g} s", evidence=_last_lines(stderr or stdout)
                ) from error
        return Completed(exit_code=self._exit_code(), stdout=bytes(stdout), stderr=bytes(stderr))

    def _exit_code(self) -> int:
        """Return the exit code. The engine may close the stream shortly before it knows the exit code."""
        for _ in range(50):
            told = self._engine.api.exec_inspect(self._id)
            if not told["Running"]:
                break
            time.sleep(0.02)
        return int(told["ExitCode"] or 0)

    def _request(self) -> tuple[str, bytes]:
        return f"/exec/{self._id}/start", json.dumps({"Detach": False, "Tty": self._tty}).encode()

    def _set_size(self, rows: int, columns: int) -> None:
        self._engine.api.exec_resize(self._id, height=rows, width=columns)


def _after_head(connection: socket.socket) -> bytes:
    """Read the response header. Returns the received bytes after it, which belong to the stream."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(_CHUNK)
        if not chunk:
            raise ConnectionResetError("the engine closed the connection without an answer")
        received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1]
    if status not in (b"101", b"200"):
        raise RuntimeRefused(f"the engine refused to run the command: {rest.decode(errors='replace').strip()}")
    return rest


def _reader(connection: socket.socket, early: bytes, deadline: float | None) -> Iterator[bytes]:
    """Yield chunks until the end of the stream. Raises TimeoutError at the deadline."""
    if early:
        yield early
    while True:
        if deadline is not None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return
        yield chunk


def _frames(chunks: Iterator[bytes], *, tty: bool) -> Iterator[tuple[int, bytes]]:
    """Yield (source, bytes). With a terminal all is stdout; else the engine sends frames of an eight-byte header and its payload."""
    if tty:
        yield from ((1, chunk) for chunk in chunks)
        return
    rest = b""
    for chunk in chunks:
        rest += chunk
        while len(rest) >= 8:  # noqa: PLR2004 - the head
            source, length = struct.unpack(">BxxxL", rest[:8])
            if len(rest) < 8 + length:
                break
            yield source, rest[8 : 8 + length]
            rest = rest[8 + length :]


def _feed(connection: socket.socket, stdin: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if stdin:
            connection.sendall(stdin)
        _end_input(connection)


def _end_input(connection: socket.socket) -> None:
    """Close the input of the command. Its output stays open."""
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()
    else:
        connection.shutdown(socket.SHUT_WR)


def _pump(connection: socket.socket, stdin: IO[bytes] | None, over: threading.Event, ends: bool) -> None:
    """Copy the caller's input to the command until either ends; consumes no key that is pressed after that.

    Args:
        connection: The stream of the command.
        stdin: The caller's input; None for none.
        over: Set when the command has ended.
        ends: Whether to pass on the end of the input. The engine treats it as the end of the output too if there is a terminal.
    """
    with contextlib.suppress(OSError, ValueError):
        while stdin is not None and not over.is_set():
            if not _readable(stdin):
                continue
            chunk = stdin.read1(_CHUNK) if hasattr(stdin, "read1") else stdin.read(_CHUNK)
            if not chunk:
                break
            connection.sendall(chunk)
        if ends and not over.is_set():
            _end_input(connection)


def _readable(stdin: IO[bytes]) -> bool:
    try:
        return bool(select.select([stdin], [], [], _TICK)[0])
    except (OSError, ValueError, TypeError):  # no file: bytes in memory are always there
        return True


@contextlib.contextmanager
def _on_resize(resize: Callable[[], None]) -> Iterator[None]:
    resize()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Any = signal.signal(signal.SIGWINCH, lambda *_: resize())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _last_lines(output: bytearray, count: int = 5) -> list[str]:
    return output.decode(errors="replace").splitlines()[-count:]
