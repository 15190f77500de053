"""Small servers that speak just enough of each protocol, over real TLS, to be asked for a nonce."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from nexusdev.instance.certificates import prepare
from nexusdev.stack.model import Network, Secret, SecretRecipe, Stack

Talk = Callable[[IO[bytes]], None]
PASSWORD = "aZ09aZ09"


def authority(folder: Path, nonce: str = "n0nce") -> Path:
    """A CA and a server certificate below ``folder``."""
    secret = Secret(name="s", file=folder / "server.crt", recipe=SecretRecipe(certificate="server"))
    stack = Stack(project="x", network=Network(name="x", subnet="10.0.0.0/24"), services={}, secrets={"s": secret})
    prepare(folder, stack, instance="shop-1", nonce=nonce, uid=os.getuid(), gid=os.getgid())
    return folder


@contextmanager
def serving(folder: Path, talk: Talk, *, starttls: bool = False, port: int = 0) -> Iterator[int]:
    """The port of a server that talks so with everybody who comes; one of its own choice where none is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                if starttls:
                    plain.recv(8)
                    plain.sendall(b"S")
                with context.wrap_socket(plain, server_side=True) as secure, secure.makefile("rwb") as stream:
                    talk(cast(IO[bytes], stream))  # typeshed has no common name for what makefile returns
                    stream.flush()
            except (OSError, ValueError):
                plain.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who accepts
        listener.close()


def redis(nonce: str, role: str = "master") -> Talk:
    def talk(stream: IO[bytes]) -> None:
        replies = {
            "AUTH": b"+OK\r\n",
            "FCALL_RO": f"${len(nonce)}\r\n{nonce}\r\n".encode(),
            "ROLE": f"*3\r\n${len(role)}\r\n{role}\r\n:0\r\n*0\r\n".encode(),
            "SENTINEL": b"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n21079\r\n",
        }
        while line := stream.readline():
            words = [stream.read(int(stream.readline()[1:]) + 2)[:-2].decode() for _ in range(int(line[1:]))]
            wrong = words[0] == "AUTH" and words[2] != PASSWORD
            stream.write(b"-WRONGPASS invalid username-password pair\r\n" if wrong else replies[words[0]])
            stream.flush()

    return talk


#: What the clock of every HTTP server here shows.
CLOCK = "Sat, 28 Nov 2026 18:00:00 GMT"


def http(body: str, status: str = "200 OK", seen: list[str] | None = None) -> Talk:
    def talk(stream: IO[bytes]) -> None:
        head = []
        while (line := stream.readline().decode().strip()) != "":
            head.append(line)
        if seen is not None:
            seen.extend(head)
        # A connection that is closed with unread data is reset, and the client may never see the reply.
        lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
        stream.read(sum(int(each) for each in lengths))
        stream.write(f"HTTP/1.0 {status}\r\nDate: {CLOCK}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    return talk


def minio(nonce: str) -> Talk:
    """A store whose key reads the nonce and nothing else."""

    def talk(stream: IO[bytes]) -> None:
        asked = stream.readline().decode().split()[1]
        while stream.readline().strip():
            pass
        status, body = ("403 Forbidden", "") if asked.startswith("/nexus-backups") else ("200 OK", nonce)
        stream.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    return talk


def vault(nonce: str) -> Talk:
    return http(json.dumps({"data": {"data": {"nonce": nonce}, "metadata": {}}}))


def postgres(nonce: str, *, replica: bool = False, password: str = PASSWORD, seen: list[str] | None = None) -> Talk:
    """A server that checks the password by SCRAM as RFC 5802 says, then answers every query with one row."""

    def send(stream: IO[bytes], kind: bytes, body: bytes) -> None:
        stream.write(kind + struct.pack("!i", len(body) + 4) + body)
        stream.flush()

    def receive(stream: IO[bytes]) -> bytes:
        return stream.read(struct.unpack("!i", stream.read(5)[1:])[0] - 4)

    def talk(stream: IO[bytes]) -> None:
        stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
        send(stream, b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")
        first = receive(stream).rpartition(b"n,,")[2].decode()
        salt, nonce_of_both = os.urandom(16), first.rpartition("r=")[2] + "server"
        challenge = f"r={nonce_of_both},s={base64.b64encode(salt).decode()},i=4096"
        send(stream, b"R", struct.pack("!i", 11) + challenge.encode())
        bare, _, proof = receive(stream).decode().rpartition(",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
        key = hmac.digest(salted, b"Client Key", "sha256")
        text = f"{first},{challenge},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), text, "sha256")
        served = hmac.digest(salted, b"Server Key", "sha256")
        if bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True)) != key:
            send(stream, b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0")
            return
        send(stream, b"R", struct.pack("!i", 12) + b"v=" + base64.b64encode(hmac.digest(served, text, "sha256")))
        send(stream, b"R", struct.pack("!i", 0))
        send(stream, b"S", b"server_version\x0017\0")
        send(stream, b"Z", b"I")
        query = receive(stream).rstrip(b"\0").decode()
        if seen is not None:
            seen.append(query)
        send(stream, b"T", b"\0\2nonce\0" + b"\0" * 18 + b"pg_is_in_recovery\0" + b"\0" * 18)
        row = struct.pack("!hi", 2, len(nonce)) + nonce.encode()
        send(stream, b"D", row + struct.pack("!i", 1) + (b"t" if replica else b"f"))
        send(stream, b"C", b"SELECT 1\0")
        send(stream, b"Z", b"I")

    return talk


@contextmanager
def refusing_proxy() -> Iterator[tuple[dict[str, str], list[bytes]]]:
    """A proxy that refuses everybody: the variables that name it for every client, and the first bytes of who came."""
    came: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                with contextlib.suppress(OSError):
                    came.append(connection.recv(100))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=refuse, daemon=True).start()
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    named = {"HTTP_PROXY": f"http://{place}", "HTTPS_PROXY": f"http://{place}", "ALL_PROXY": f"socks5h://{place}"}
    try:
        yield {**named, **{name.lower(): value for name, value in named.items()}, "NO_PROXY": "localhost"}, came
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
