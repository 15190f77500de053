"""Commands to one Redis server or sentinel, and their replies.

The format is RESP2: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Sequence
from typing import IO, TypeAlias

from nexusdev import wire
from nexusdev.wire import tls

Reply: TypeAlias = "str | int | RedisError | list[Reply] | None"


class RedisError(wire.ServerError):
    """An error that the server answered with: ``NOREPLICAS Not enough good replicas to write.``"""

    @property
    def code(self) -> str:
        """Its first word."""
        return str(self).partition(" ")[0]


class RedisSession:
    """An open connection to one server, logged in."""

    def __init__(self, stream: ssl.SSLSocket, replies: IO[bytes]) -> None:
        self._stream = stream
        self._replies = replies

    def ask(self, *words: str | bytes) -> Reply:
        """One command and its reply. ``RedisError`` for an error, ``OSError`` when there is no reply."""
        self._stream.sendall(encode(words))
        reply = read(self._replies)
        if isinstance(reply, RedisError):
            raise reply
        return reply


@contextlib.contextmanager
def connect(
    place: tls.HostPort, *, user: str, password: str, context: ssl.SSLContext, timeout: float = 2.0
) -> Iterator[RedisSession]:
    """Connect and log in. ``timeout`` in seconds for each of connecting, handshake and reply."""
    with tls.connected(place, context, timeout=timeout) as stream, stream.makefile("rb") as replies:
        connection = RedisSession(stream, replies)
        connection.ask("AUTH", user, password)
        yield connection


def encode(words: Sequence[str | bytes]) -> bytes:
    """A command as an array of strings."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def read(replies: IO[bytes]) -> Reply:
    """One reply; an error is a value here, so that it can stand inside a list."""
    line = replies.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the connection was closed")
    kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
    match kind:
        case b"+":
            return rest
        case b"-":
            return RedisError(rest)
        case b":":
            return int(rest)
        case b"$":
            return _text(replies, int(rest))
        case b"*":
            return None if rest == "-1" else [read(replies) for _ in range(int(rest))]
    raise ConnectionError(f"this is not Redis: {line[:40]!r}")


def _text(replies: IO[bytes], size: int) -> str | None:
    if size < 0:
        return None
    data = replies.read(size + 2)
    if len(data) < size + 2:
        raise ConnectionError("the connection was closed")
    return data[:-2].decode("utf-8", "replace")
