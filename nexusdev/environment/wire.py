"""The shortest honest question to each product, with nothing but sockets, TLS and hashes: what is this instance's nonce?

The client libraries would answer as well, but importing them takes 150 ms and more each, and ``nexusdev env`` shall not.
Every function takes a connected TLS stream, asks with the application's own credentials and returns the nonce ('' where the
product carries none), or raises Refused with the server's words.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Refused(Exception):
    """The server answered, but not with what was asked for."""


class Stream(Protocol):
    """What a buffered socket offers, and ``io.BytesIO``."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


def ask_postgres(stream: Stream, user: str, password: str, database: str) -> str:
    """Log in by SCRAM-SHA-256 and read the table (PostgreSQL protocol 3; PgBouncer speaks it too)."""
    pairs = b"\0".join(part.encode() for part in ("user", user, "database", database))
    startup = struct.pack("!i", 196608) + pairs + b"\0\0"
    _send(stream, struct.pack("!i", len(startup) + 4) + startup)
    _scram(stream, password)
    while _message(stream)[0] != b"Z":
        pass
    query = b"SELECT nonce FROM nexusdev.instance\0"
    _send(stream, b"Q" + struct.pack("!i", len(query) + 4) + query)
    nonce = ""
    while True:
        kind, body = _message(stream)
        if kind == b"D":
            nonce = body[6:].decode()  # one column: its count (2 bytes), its length (4), its text
        if kind == b"Z":
            return nonce


def _scram(stream: Stream, password: str) -> None:
    """RFC 5802 as PostgreSQL does it: the TLS certificate was verified before, so the server need not prove itself again."""
    ours = base64.b64encode(os.urandom(18)).decode()
    first = f"n=,r={ours}"
    if _authentication(stream)[0] != 10:  # noqa: PLR2004 - AuthenticationSASL
        raise Refused("it does not ask for SCRAM")
    initial = f"n,,{first}".encode()
    body = b"SCRAM-SHA-256\0" + struct.pack("!i", len(initial)) + initial
    _send(stream, b"p" + struct.pack("!i", len(body) + 4) + body)
    challenge = _authentication(stream)[1].decode()
    said = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(said["s"]), int(said["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    bare = f"c=biws,r={said['r']}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{challenge},{bare}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    final = f"{bare},p={proof}".encode()
    _send(stream, b"p" + struct.pack("!i", len(final) + 4) + final)
    while _authentication(stream)[0] != 0:
        pass


def _authentication(stream: Stream) -> tuple[int, bytes]:
    """The next authentication message: its number and its data."""
    kind, body = _message(stream)
    if kind != b"R":
        raise Refused(f"an unexpected message {kind!r}")
    return struct.unpack("!i", body[:4])[0], body[4:]


def _message(stream: Stream) -> tuple[bytes, bytes]:
    """One message of PostgreSQL: type, body. An error message is raised."""
    head = _read(stream, 5)
    body = _read(stream, struct.unpack("!i", head[1:])[0] - 4)
    if head[:1] == b"E":
        fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\0") if field}
        raise Refused(fields.get(b"M", "an error"))
    return head[:1], body


def ask_redis(stream: Stream, user: str, password: str) -> str:
    """AUTH, then the function that carries the nonce (no key: neither eviction nor FLUSHALL takes it away)."""
    _command(stream, "AUTH", user, password)
    return _command(stream, "FCALL_RO", "nexusdev_instance", "0")


def ask_sentinel(stream: Stream, user: str, password: str, master: str) -> str:
    """AUTH, then who the master is: a sentinel carries no nonce, its certificate is the proof."""
    _command(stream, "AUTH", user, password)
    if not _command(stream, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", master):
        raise Refused(f"it knows no master {master}")
    return ""


def _command(stream: Stream, *words: str) -> str:
    """One command in RESP; an array's first item stands for it."""
    encoded = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
    _send(stream, b"*%d\r\n%s" % (len(words), encoded))
    line = stream.readline().rstrip().decode("utf-8", "replace")
    if line.startswith("*") and int(line[1:]) > 0:
        line = stream.readline().rstrip().decode("utf-8", "replace")
    if line.startswith("$") and int(line[1:]) >= 0:
        return _read(stream, int(line[1:]) + 2)[:-2].decode("utf-8", "replace")
    if line.startswith("-") or not line:
        raise Refused(line[1:] or "it closed the connection")
    return line[1:] if line.startswith(("+", ":")) else ""


def ask_minio(stream: Stream, host: str, access: str, secret: str, region: str) -> str:
    """GET the object with a version 4 signature."""
    path = "/nexus-app-data/.nexusdev/instance"
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = signed(host, path, access=access, secret=secret, region=region, now=now)
    return _http(stream, host, path, headers).strip()


def signed(host: str, path: str, *, access: str, secret: str, region: str, now: str) -> dict[str, str]:
    """The headers of a GET without query (AWS Signature Version 4); ``now`` as 20260131T235959Z."""
    empty = hashlib.sha256(b"").hexdigest()
    listed = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"GET\n{path}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{now}\n\n{listed}\n{empty}"
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (now[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {
        "x-amz-date": now,
        "x-amz-content-sha256": empty,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={listed}, Signature={signature}",
    }


def ask_vault(stream: Stream, host: str, token: str) -> str:
    """Read the secret (KV version 2)."""
    body: Any = json.loads(_http(stream, host, "/v1/secret/data/nexus/instance", {"X-Vault-Token": token}))
    return str(body["data"]["data"]["nonce"])


def ask_prometheus(stream: Stream, host: str) -> str:
    """Whether it is ready; it carries no nonce, its certificate is the proof."""
    _http(stream, host, "/-/ready", {})
    return ""


def _http(stream: Stream, host: str, path: str, headers: Mapping[str, str]) -> str:
    """The body of a 200. HTTP/1.0: the reply ends with the connection and is never chunked."""
    lines = [f"GET {path} HTTP/1.0", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    _send(stream, "\r\n".join((*lines, "", "")).encode())
    head, _, body = stream.read().partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode("latin-1")
    if " 200 " not in f"{status} ":
        raise Refused(status or "it closed the connection")
    return body.decode()


def _send(stream: Stream, data: bytes) -> None:
    stream.write(data)
    stream.flush()


def _read(stream: Stream, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise Refused("it closed the connection")
    return data
