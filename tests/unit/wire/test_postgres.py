"""The login and the query, against a server that speaks the same protocol over a plain socket."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from nexusdev.interfaces import Address
from nexusdev.wire import postgres as wire

PASSWORD, SALT, ROUNDS = "correctHorse", b"0123456789abcdef", 4096


class NoTls:
    """Stands where the TLS context stands and leaves the socket as it is."""

    def wrap_socket(self, plain: socket.socket, *, server_hostname: str) -> socket.socket:
        return plain


@dataclass
class Server:
    """One connection of a PostgreSQL that knows one password and answers every query with the same messages."""

    answer: bytes
    tls: bytes = b"S"
    knows_password: bool = True
    breaks_off: bool = False

    def serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as stream:
            stream.read(8)
            stream.write(self.tls)
            stream.flush()
            if self.tls == b"S":
                stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
                if self.log_in(stream):
                    self.read(stream)
                    stream.write(self.answer)
                    stream.flush()
                    stream.read(0 if self.breaks_off else 5)

    def read(self, stream: Any) -> bytes:
        head: bytes = stream.read(5)
        body: bytes = stream.read(struct.unpack_from("!i", head, 1)[0] - 4)
        return body

    def log_in(self, stream: Any) -> bool:
        tell(stream, b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
        first = self.read(stream).split(b"\0", 1)[1][4:].removeprefix(b"n,,")
        nonce = first.split(b"r=")[1] + b"server"
        challenge = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(SALT), ROUNDS)
        tell(stream, b"R", struct.pack("!i", 11) + challenge)
        bare, _, proof = self.read(stream).rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, ROUNDS)
        key = hmac.digest(salted, b"Client Key", "sha256")
        signed = b",".join((first, challenge, bare))
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        if base64.b64decode(proof) != bytes(a ^ b for a, b in zip(key, signature, strict=True)):
            tell(stream, b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0")
            return False
        server_key = hmac.digest(salted if self.knows_password else b"?", b"Server Key", "sha256")
        tell(stream, b"R", struct.pack("!i", 12) + b"v=" + base64.b64encode(hmac.digest(server_key, signed, "sha256")))
        tell(stream, b"R", struct.pack("!i", 0))
        tell(stream, b"S", b"server_version\0" + b"17\0")
        tell(stream, b"Z", b"I")
        return self.knows_password


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def tell(stream: Any, kind: bytes, body: bytes) -> None:
    stream.write(message(kind, body))
    stream.flush()


def row(*values: bytes | None) -> bytes:
    columns = b"".join(
        struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in values
    )
    return message(b"D", struct.pack("!h", len(values)) + columns)


@contextmanager
def serving(server: Server) -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield Address(host="127.0.0.1", port=listener.getsockname()[1])
        thread.join(5)


def ask(address: Address, password: str = PASSWORD) -> list[wire.TextRow]:
    context: Any = NoTls()
    with wire.connect(address=address, database="d", user="u", password=password, context=context) as session:
        return session.ask("SELECT 1")


END = message(b"C", b"SELECT 2\0") + message(b"Z", b"I")


def test_rows_are_text_and_null_is_none() -> None:
    with serving(Server(answer=row(b"c0ffee", b"f") + row(None, "ü".encode()) + END)) as address:
        assert ask(address) == [("c0ffee", "f"), (None, "ü")]


def test_a_wrong_password_is_refused_with_its_sqlstate() -> None:
    with serving(Server(answer=END)) as address:
        with pytest.raises(wire.PostgresError, match="password authentication failed") as refused:
            ask(address, "wrong")
        assert refused.value.sqlstate == "28P01"


def test_a_query_error_quotes_the_server() -> None:
    answer = message(b"E", b"SERROR\0C42P01\0Mrelation does not exist\0\0") + message(b"Z", b"I")
    with serving(Server(answer=answer)) as address, pytest.raises(wire.PostgresError, match="relation does not exist"):
        ask(address)


def test_a_server_that_cannot_prove_the_password_is_refused() -> None:
    server = Server(answer=END, knows_password=False)
    with (
        serving(server) as address,
        pytest.raises(wire.PostgresError, match="failed to prove that it knows the password"),
    ):
        ask(address)


def test_a_server_without_tls_gets_no_password() -> None:
    with (
        serving(Server(answer=END, tls=b"N")) as address,
        pytest.raises(wire.PostgresError, match="TLS is not supported"),
    ):
        ask(address)


def test_a_gateway_without_backends_closes_the_connection() -> None:
    with (
        serving(Server(answer=END, tls=b"")) as address,
        pytest.raises(ConnectionError, match="no server is available"),
    ):
        ask(address)


def test_a_truncated_reply_is_an_error() -> None:
    with (
        serving(Server(answer=row(b"1")[:-1], breaks_off=True)) as address,
        pytest.raises(OSError, match="during a response"),
    ):
        ask(address)
