"""The part of PostgreSQL's protocol that a query needs: TLS, a login with SCRAM-SHA-256, a simple query. PgBouncer supports it too.

Source: https://www.postgresql.org/docs/17/protocol-message-formats.html
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from nexusdev import wire
from nexusdev.wire import scram, tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from io import BufferedRWPair as Stream

TextRow = tuple[str | None, ...]

_PROTOCOL = 196608
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_OK, _SASL, _CONTINUE, _FINAL = 0, 10, 11, 12


class PostgresError(wire.ServerError):
    """The server answered with an error. ``sqlstate`` as in PostgreSQL's appendix A; '' when it did not even speak the protocol."""

    def __init__(self, message: str, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class PostgresSession:
    """An open connection to one server, logged in."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def ask(self, sql: str) -> list[TextRow]:
        """The rows of one query, values as text. ``PostgresError`` for an error, ``OSError`` when there is no reply."""
        _send(self._stream, b"Q", sql.encode() + b"\0")
        return [_row(body) for kind, body in _drain(self._stream) if kind == b"D"]


@contextlib.contextmanager
def connect(
    *,
    address: tls.HostPort,
    database: str,
    user: str,
    password: str,
    context: ssl.SSLContext,
    name: str = "",
    timeout: float = 2.0,
) -> Iterator[PostgresSession]:
    """Connect and log in.

    Args:
        address: The server.
        database: The database.
        user: The user.
        password: The user's password.
        context: Verifies the server's certificate.
        name: Name in the server's certificate; '' for the host of the address.
        timeout: Seconds for each reply.

    Yields:
        The session. It is closed at the end of the block.

    Raises:
        PostgresError: The server refuses the login or a query.
        OSError: There is no server or no answer, or the certificate is not trusted.
    """
    with tls.connected(address, context, name=name, timeout=timeout, begin=_agree_on_tls) as secure:
        stream = secure.makefile("rwb")
        _log_in(stream, user, password, database)
        yield PostgresSession(stream)
        _send(stream, b"X", b"")


def greet(address: tls.HostPort, *, context: ssl.SSLContext, name: str = "", timeout: float = 2.0) -> None:
    """Only the handshake: a server that can be trusted is there. Raises as ``connect`` does."""
    with (
        tls.connected(address, context, name=name, timeout=timeout, begin=_agree_on_tls) as secure,
        contextlib.suppress(OSError),
    ):
        secure.unwrap()


def _agree_on_tls(plain: socket.socket) -> None:
    plain.sendall(_SSL_REQUEST)
    answer = plain.recv(1)
    if not answer:
        raise ConnectionError("the connection was closed: no server is available")
    if answer != b"S":
        raise PostgresError("TLS is not supported")


def _log_in(stream: Stream, user: str, password: str, database: str) -> None:
    pairs = ("user", user, "database", database, "application_name", "nexusdev")
    body = struct.pack("!i", _PROTOCOL) + b"".join(part.encode() + b"\0" for part in pairs) + b"\0"
    stream.write(struct.pack("!i", len(body) + 4) + body)
    stream.flush()
    kind, data = _authentication(stream)
    if kind == _SASL:
        _scram(stream, password, data)
    elif kind != _OK:
        raise PostgresError("the server requests an authentication method other than SCRAM")
    _drain(stream)


def _scram(stream: Stream, password: str, mechanisms: bytes) -> None:
    if b"SCRAM-SHA-256" not in mechanisms.split(b"\0"):
        raise PostgresError("the server does not offer SCRAM-SHA-256")
    login = scram.ScramLogin(password)
    _send(stream, b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(login.first)) + login.first)
    _send(stream, b"p", login.answer(_expect(stream, _CONTINUE)))
    if not login.is_confirmed(_expect(stream, _FINAL)):
        raise PostgresError("the server failed to prove that it knows the password")
    _expect(stream, _OK)


def _row(body: bytes) -> TextRow:
    """A DataRow: the number of columns, then each with its length; -1 is NULL."""
    (columns,) = struct.unpack_from("!h", body)
    values: list[str | None] = []
    at = 2
    for _ in range(columns):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return tuple(values)


def _expect(stream: Stream, wanted: int) -> bytes:
    kind, data = _authentication(stream)
    if kind != wanted:
        raise PostgresError(f"an unexpected step of the login: {kind}")
    return data


def _authentication(stream: Stream) -> tuple[int, bytes]:
    kind, body = _message(stream)
    if kind != b"R":
        raise PostgresError(f"an unexpected message at the login: {kind!r}")
    return struct.unpack_from("!i", body)[0], body[4:]


def _drain(stream: Stream) -> list[tuple[bytes, bytes]]:
    """Every message until the server is ready for the next query."""
    messages = [_message(stream)]
    while messages[-1][0] != b"Z":
        messages.append(_message(stream))
    return messages


def _message(stream: Stream) -> tuple[bytes, bytes]:
    head = _read(stream, 5)
    body = _read(stream, struct.unpack_from("!i", head, 1)[0] - 4)
    if head[:1] == b"E":
        fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\0") if field}
        raise PostgresError(fields.get(b"M", "an error"), fields.get(b"C", ""))
    return head[:1], body


def _send(stream: Stream, kind: bytes, body: bytes) -> None:
    stream.write(kind + struct.pack("!i", len(body) + 4) + body)
    stream.flush()


def _read(stream: Stream, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionError("the connection was closed during a response")
    return data
