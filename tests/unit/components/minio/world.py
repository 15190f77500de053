"""MinIO in memory, over real TLS: signatures checked, policies obeyed, just as much of S3 and its admin interface as is spoken here."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from minio.crypto import decrypt, encrypt
from urllib3 import HTTPResponse

from nexusdev.components.minio.names import API, APP_ACCESS, APP_SECRET, ROLE, ROOT_PASSWORD, ROOT_USER
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.util.client_file_names import BUNDLE
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.topology import topology
from tests.unit.env.servers import authority

PASSWORD = "rootrootrootroot"
NODES = topology().members("minio", "minio")


@dataclass(kw_only=True)
class Bucket:
    versioning: str = ""
    lifecycle: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)


@dataclass(kw_only=True)
class Memory:
    """What the server keeps. ``refusing``: bucket → error code for every write; ``requests``: what was asked."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    health: tuple[int, str] = (200, "")
    offline: tuple[str, ...] = ()
    refusing: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def secret(self, access_key: str) -> str | None:
        user = self.users.get(access_key)
        return PASSWORD if access_key == ROOT_USER else user["secret"] if user else None

    def may(self, access_key: str, bucket: str, action: str = "s3:ListBucket") -> bool:
        """As the server decides: something allows it, and nothing denies it."""
        held = self.users.get(access_key, {}).get("policies", [])
        effects = {
            statement["Effect"]
            for name in held
            for statement in self.policies[name]["Statement"]
            if action in statement["Action"]
            and any(fnmatchcase(f"arn:aws:s3:::{bucket}", pattern) for pattern in statement["Resource"])
        }
        return access_key == ROOT_USER or effects == {"Allow"}

    def info(self) -> dict[str, Any]:
        disks = [{"state": "ok", "availspace": 3 << 30}]
        return {
            "servers": [
                {"endpoint": f"{node}:9000", "state": "offline" if node in self.offline else "online", "drives": disks}
                for node in NODES
            ]
        }


@dataclass(kw_only=True)
class Secrets:
    """A secret store in a dictionary."""

    values: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str:
        return self.values[name]

    def write(self, name: str, value: str) -> None:
        self.values[name] = value


@dataclass(kw_only=True)
class World:
    """The server's memory and the instance access that leads to it."""

    memory: Memory
    access: InstanceAccess
    secrets: Secrets


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A MinIO with nothing in it; every node and the role answer at one port."""
    memory = Memory()
    tls = authority(folder / "tls")
    with _serving(memory, tls) as port:
        (tls / BUNDLE).write_bytes((tls / "ca.crt").read_bytes())
        secrets = Secrets(values={ROOT_PASSWORD: PASSWORD, APP_ACCESS: "app1", APP_SECRET: "app1secretapp1secret"})
        runtime: Any = SeenFromContainers()
        access = instance_access(
            tls,
            addresses={(name, API): Address(host="localhost", port=port) for name in (ROLE, *NODES)},
            secrets=secrets,
            runtime=runtime,
            client_folder=tls,
        )
        yield World(memory=memory, access=access, secrets=secrets)


@contextmanager
def _serving(memory: Memory, tls: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "server.crt", tls / "server.key")

    class Handler(_Handler):
        kept = memory

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # with the default, 5, the kernel drops connections of clients that ask all at once

    server = Server(("127.0.0.1", 0), Handler)
    # each handshake belongs to the thread of its connection: while one client is slow, the others are served
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Memory

    def log_message(self, *_: object) -> None:
        pass

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.kept.requests.append(f"{self.command} {self.path}")
        status, answer = self.route(unquote(parts.path), query, body)
        content = answer if isinstance(answer, bytes) else answer.encode()
        self.send_response(status)
        server_status = self.kept.health[1] if "/minio/health" in parts.path else ""
        extra = {"x-amz-version-id": uuid.uuid4().hex} if self.command == "PUT" else {}
        for name, value in {**extra, "x-minio-server-status": server_status, "etag": '"e"'}.items():
            if value:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content) if self.command != "HEAD" and status != 204 else 0))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815 - the names of the standard library

    def route(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, str | bytes]:
        if path.startswith("/minio/health"):
            return 200 if path.endswith("/live") else self.kept.health[0], ""
        access_key = re.search(r"Credential=(\w[\w-]*)/", self.headers.get("authorization", ""))
        secret = self.kept.secret(access_key[1]) if access_key else None
        if access_key is None or secret is None:
            return _error(403, "InvalidAccessKeyId")
        if not _is_signed(self, secret):
            return _error(403, "SignatureDoesNotMatch")
        if path.startswith("/minio/admin/v3/"):
            return self.admin(path.removeprefix("/minio/admin/v3/"), query, body)
        bucket, _, name = path.strip("/").partition("/")
        if not self.kept.may(access_key[1], bucket):
            return _error(403, "AccessDenied")
        return self.on_object(bucket, name, body) if name else self.on_bucket(bucket, query, body)

    def on_bucket(self, name: str, query: dict[str, str], body: bytes) -> tuple[int, str]:
        bucket = self.kept.buckets.get(name)
        if self.command == "PUT" and not query:
            self.kept.buckets.setdefault(name, Bucket())
            return 200, ""
        if bucket is None:
            return _error(404, "NoSuchBucket")
        for kind in ("versioning", "lifecycle"):
            if kind in query and self.command == "PUT":
                setattr(bucket, kind, body.decode())
                return 200, ""
            if kind in query:
                reply = getattr(bucket, kind)
                return (200, reply) if reply or kind == "versioning" else _error(404, "NoSuchLifecycleConfiguration")
        return 200, "<ListBucketResult/>"

    def on_object(self, bucket: str, name: str, body: bytes) -> tuple[int, str | bytes]:
        if bucket not in self.kept.buckets:
            return _error(404, "NoSuchBucket")
        objects = self.kept.buckets[bucket].objects
        if code := self.kept.refusing.get(bucket) if self.command == "PUT" else None:
            return _error(503 if code.startswith("SlowDown") else 501, code)
        if self.command == "PUT":
            objects[name] = body
        elif self.command == "DELETE":
            return 204, objects.pop(name, b"")
        return (200, objects.get(name, b"")) if name in objects else _error(404, "NoSuchKey")

    def admin(self, command: str, query: dict[str, str], body: bytes) -> tuple[int, str | bytes]:
        kept = self.kept
        match command:
            case "info":
                return 200, json.dumps(kept.info())
            case "info-canned-policy":
                found = kept.policies.get(query["name"])
                return (200, json.dumps(found)) if found else (404, '{"Code":"XMinioAdminNoSuchPolicy"}')
            case "user-info":
                user = kept.users.get(query["accessKey"])
                return (200, json.dumps(_told(user))) if user else (404, '{"Code":"XMinioAdminNoSuchUser"}')
            case "add-canned-policy":
                kept.policies[query["name"]] = json.loads(body)
            case "add-user":
                secret = json.loads(_decrypted(body))["secretKey"]
                kept.users[query["accessKey"]] = {
                    "policies": [],
                    **kept.users.get(query["accessKey"], {}),
                    "secret": secret,
                }
            case "remove-user":
                del kept.users[query["accessKey"]]
            case "list-users":
                return 200, encrypt(
                    json.dumps({name: _told(user) for name, user in kept.users.items()}).encode(), PASSWORD
                )
            case "idp/builtin/policy/attach":
                asked = json.loads(_decrypted(body))
                kept.users[asked["user"]]["policies"] += asked["policies"]
                return 204, ""
        return 200, ""


def _told(user: dict[str, Any]) -> dict[str, str]:
    return {"status": "enabled", "policyName": ",".join(user["policies"])}


def _error(status: int, code: str) -> tuple[int, str]:
    return (
        status,
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message><Resource>/</Resource></Error>",
    )


def _decrypted(body: bytes) -> bytes:
    """What minio-py's own reader makes of it."""
    return decrypt(HTTPResponse(BytesIO(body), preload_content=False), PASSWORD)


def _is_signed(request: BaseHTTPRequestHandler, secret: str) -> bool:
    """Signature version 4, written a second time."""
    reply = request.headers["authorization"]
    names = reply.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    scope = reply.partition("Credential=")[2].partition(",")[0].partition("/")[2]
    parts = urlsplit(request.path)
    query = "&".join(
        f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}"
        for key, value in sorted(parse_qsl(parts.query, keep_blank_values=True))
    )
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
    payload = request.headers["x-amz-content-sha256"]
    canonical = "\n".join([request.command, parts.path, query, headers, ";".join(names), payload])
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for selection in [*scope.split("/"), to_sign]:
        key = hmac.digest(key, selection.encode(), "sha256")
    return reply.endswith(f"Signature={key.hex()}")
