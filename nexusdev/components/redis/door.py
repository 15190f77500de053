"""A few words with one server over TLS: what readiness, seeding and proof need, without importing a client (0.3 s and more).

The format is RESP2: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TypeAlias

from nexusdev.components.https import context
from nexusdev.components.redis import names
from nexusdev.ports import Address, Site

Reply: TypeAlias = "str | int | Refused | list[Reply] | None"


class Refused(Exception):
    """An error that the server answered with: ``NOREPLICAS Not enough good replicas to write.``"""

    @property
    def code(self) -> str:
        """Its first word."""
        return str(self).partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user and its password."""

    user: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An open connection to one server, logged in."""

    stream: socket.socket
    replies: IO[bytes]

    def ask(self, *words: str | bytes) -> Reply:
        """One command and its reply. ``Refused`` for an error, ``OSError`` when there is no reply."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[Sequence[str | bytes]]) -> list[Reply]:
        """Several commands at once, and their replies. All replies are read before the first error is raised."""
        self.stream.sendall(b"".join(map(encode, commands)))
        replies = [read(self.replies) for _ in commands]
        for reply in replies:
            if isinstance(reply, Refused):
                raise reply
        return replies


@contextlib.contextmanager
def connect(address: Address, login: Login, trust: ssl.SSLContext, *, timeout: float = 2.0) -> Iterator[Connection]:
    """Connect, check the server's certificate against the address's host, and log in.

    timeout  seconds for each of connecting, handshake and reply
    """
    with (
        socket.create_connection((address.host, address.port), timeout) as plain,
        trust.wrap_socket(plain, server_hostname=address.host) as stream,
        stream.makefile("rb") as replies,
    ):
        connection = Connection(stream=stream, replies=replies)
        connection.ask("AUTH", login.user, login.password)
        yield connection


@contextlib.contextmanager
def as_admin(site: Site, name: str, port: int = names.PORT, *, timeout: float = 2.0) -> Iterator[Connection]:
    """As the administrator, at a service or role name of the instance."""
    login = Login(user=names.ADMIN_USER, password=site.secrets.read(names.ADMIN_PASSWORD))
    with connect(site.address(name, port), login, context(site), timeout=timeout) as connection:
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
            return Refused(rest)
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


def fields(reply: Reply) -> dict[str, str]:
    """The lines ``name:value`` of INFO, or the names and values of a flat list, as a mapping."""
    if isinstance(reply, str):
        pairs = (line.partition(":") for line in reply.splitlines() if not line.startswith("#"))
        return {name: value for name, mark, value in pairs if mark}
    items = [str(item) for item in reply] if isinstance(reply, list) else []
    return dict(zip(items[::2], items[1::2], strict=False))


def words(error: Exception) -> str:
    """Why there was no answer, for a person."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (ssl.SSLEOFError, ConnectionResetError)):
        return "the connection was closed"
    return str(error)
