"""The rows of MinIO: throughput beside that of the disk and of loopback, what one of many users does, and what the application must not do."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from nexusdev.components.minio.load import open_client
from nexusdev.components.minio.names import BACKUPS, DATA
from nexusdev.components.scores import Control, ControlResult, Measured, Score, ScoreBench, refusals

_MB = 1_000_000
_PART = 64 * 1024 * 1024
_CLIENTS = 4
_FOLDER = "nexusdev-verify"


def _throughput(bench: ScoreBench) -> Measured:
    """Several clients store and read an object of 64 MiB each. The value is the slower direction."""
    content, client = os.urandom(_PART), _client(bench.values)
    rounds = 1 if bench.quick else 2
    names = [f"{_FOLDER}/{number}" for number in range(_CLIENTS * rounds)]
    try:
        put = _rate(names, lambda name: client.put_object(DATA.name, name, io.BytesIO(content), _PART, part_size=_PART))
        get = _rate(names, lambda name: _read(client, name))
    finally:
        _remove(client)
    disk, loopback = _disk(bench), _loopback()
    return Measured(
        value=min(put, get),
        samples=2 * len(names),
        details={
            "put": f"{put:.0f} MB/s",
            "get": f"{get:.0f} MB/s",
            "this disk, one writer with fsync": f"{disk:.0f} MB/s",
            "loopback, one connection without TLS": f"{loopback:.0f} MB/s",
        },
        limit="all nodes share this machine's disk and cores: four of them write each byte twice, for parity, and encrypt it twice",
    )


def _rate(names: list[str], act: Callable[[str], object]) -> float:
    """Return MB/s over all clients."""
    began = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(act, names))
    return len(names) * _PART / _MB / (time.perf_counter() - began)


def _read(client: Any, name: str) -> None:
    answer = client.get_object(DATA.name, name)
    try:
        while answer.read(1 << 20):
            pass
    finally:
        answer.close()
        answer.release_conn()


def _disk(bench: ScoreBench) -> float:
    """Return at how many MB/s a file is written beside the instance's state."""
    content = os.urandom(_PART)
    with tempfile.TemporaryFile(dir=bench.access.client_folder) as file:
        began = time.perf_counter()
        for _ in range(_CLIENTS):
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
        return _CLIENTS * _PART / _MB / (time.perf_counter() - began)


def _loopback() -> float:
    """Return at how many MB/s one connection of this machine to itself transfers."""
    content = bytes(_PART)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with socket.create_connection(server.getsockname()) as sender:
                for _ in range(_CLIENTS):
                    sender.sendall(content)

        thread = threading.Thread(target=send, daemon=True)
        began = time.perf_counter()
        thread.start()
        receiver, _ = server.accept()
        with receiver:
            while receiver.recv(1 << 20):
                pass
        thread.join()
        return _CLIENTS * _PART / _MB / (time.perf_counter() - began)


@asynccontextmanager
async def user(values: Mapping[str, str]) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """A user with a connection of its own, who asks for a bucket."""
    client = _client(values, connections=1)
    try:
        yield lambda: asyncio.to_thread(client.bucket_exists, DATA.name)
    finally:
        client._http.clear()


def _rights(bench: ScoreBench) -> ControlResult:
    from minio import S3Error

    client = _client(bench.values)
    return refusals(
        {
            "listing backups": lambda: list(client.list_objects(BACKUPS.name)),
            "writing a backup": lambda: client.put_object(BACKUPS.name, "x", io.BytesIO(b"x"), 1),
            "a bucket outside of nexus-app-*": lambda: client.make_bucket("nexusdev-verify-outside"),
        },
        (S3Error,),
    )


def _guesses(bench: ScoreBench) -> ControlResult:
    from minio import S3Error

    def login(name: str, password: str) -> Callable[[], object]:
        values = {**bench.values, "MINIO_ACCESS_KEY": name, "MINIO_SECRET_KEY": password}
        return lambda: _client(values).list_buckets()

    return refusals({"minioadmin": login("minioadmin", "minioadmin"), "minio": login("minio", "minio123")}, (S3Error,))


def _remove(client: Any) -> None:
    versions = client.list_objects(DATA.name, prefix=f"{_FOLDER}/", recursive=True, include_version=True)
    for each in versions:
        client.remove_object(DATA.name, each.object_name, version_id=each.version_id)


def _client(values: Mapping[str, str], connections: int = 10) -> Any:
    return open_client(values, connecting=10, reading=120, connections=connections)


SCORES = (
    Score(
        name="storage-throughput",
        title="Object storage throughput, the slower of put and get",
        unit="MB/s",
        production="1.2 GB/s",
        method="4 clients, objects of 64 MiB in one part each, through the gateway, TLS",
        measure=_throughput,
    ),
)
CONTROLS = (
    Control(name="minio-passwords", title="MinIO accepts no default password", check=_guesses),
    Control(
        name="minio-rights", title="the application reads no backups and makes only its own buckets", check=_rights
    ),
)
