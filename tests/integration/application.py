"""An application as our users write it: stock clients, and nothing but the variables of the env file.

Each writer writes numbered records one after the other, notes what was acknowledged, goes on after an error with a new
connection, and can read back what the platform kept. The same code serves the first-day test and the failure tests.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Variables = Mapping[str, str]


class Writer(Protocol):
    """One system of the platform, as an application uses it."""

    name: str

    def connect(self) -> None: ...

    def write(self, number: int) -> None: ...

    def read(self) -> set[int]: ...

    def close(self) -> None: ...


@dataclass(kw_only=True)
class PostgresWriter:
    """psycopg on DATABASE_URL (or the pool's URL)."""

    variables: Variables
    url: str = "DATABASE_URL"
    name: str = "postgresql"
    table: str = field(default_factory=lambda: f"written_{uuid.uuid4().hex[:8]}")
    connection: Any = None

    def connect(self) -> None:
        self.connection = postgres(self.variables, self.variables[self.url], autocommit=True, prepare_threshold=None)

    def prepare(self, owner_url: str) -> None:
        """Tables are made by the migration owner, never by the application's role."""
        with postgres(self.variables, owner_url, autocommit=True) as owner:
            owner.execute(f"CREATE TABLE {self.table} (number int PRIMARY KEY)")

    def write(self, number: int) -> None:
        self.connection.execute(f"INSERT INTO {self.table} VALUES (%s) ON CONFLICT DO NOTHING", [number])

    def read(self) -> set[int]:
        return {row[0] for row in self.connection.execute(f"SELECT number FROM {self.table}").fetchall()}

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


@dataclass(kw_only=True)
class RedisWriter:
    """redis-py on REDIS_URL, or by way of the sentinels."""

    variables: Variables
    sentinel: bool = False
    name: str = "redis"
    key: str = field(default_factory=lambda: f"app:written:{uuid.uuid4().hex[:8]}")
    client: Any = None

    def connect(self) -> None:
        self.client = sentinel_master(self.variables) if self.sentinel else plain_redis(self.variables)
        self.client.ping()

    def write(self, number: int) -> None:
        self.client.sadd(self.key, number)

    def read(self) -> set[int]:
        return {int(member) for member in self.client.smembers(self.key)}

    def close(self) -> None:
        if self.client is not None:
            self.client.close()


@dataclass(kw_only=True)
class S3Writer:
    """boto3, which reads the AWS_* variables by itself.

    Each number goes under a new name. MinIO keeps an object that a killed node was just writing locked for up to two minutes; a number that
    nothing is heard of is written under one more name, and the first one noted in ``unanswered``.
    """

    variables: Variables
    name: str = "minio"
    prefix: str = field(default_factory=lambda: f"written/{uuid.uuid4().hex[:8]}/")
    client: Any = None
    unanswered: list[str] = field(default_factory=list)

    def connect(self) -> None:
        self.client = s3_client(self.variables, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})

    def write(self, number: int) -> None:
        try:
            self._put(f"{self.prefix}{number}/first")
        except Exception as error:
            if not timed_out(error):
                raise
            self.unanswered.append(f"{self.prefix}{number}/first")
            self._put(f"{self.prefix}{number}/second")

    def _put(self, key: str) -> None:
        self.client.put_object(Bucket="nexus-app-data", Key=key, Body=b"x")

    def read(self) -> set[int]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="nexus-app-data", Prefix=self.prefix)
        return {int(item["Key"].split("/")[-2]) for page in pages for item in page.get("Contents", [])}

    def close(self) -> None:
        if self.client is not None:
            self.client.close()


def timed_out(error: Exception) -> bool:
    """Whether nothing was heard. botocore says ReadTimeoutError, or, where it waits for "100 Continue", that the connection was closed."""
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    if isinstance(error, ConnectionClosedError):
        return any(isinstance(cause, TimeoutError) for cause in error.kwargs["error"].args)
    return isinstance(error, ReadTimeoutError)


@dataclass(kw_only=True)
class VaultWriter:
    """hvac with VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT."""

    variables: Variables
    name: str = "vault"
    path: str = field(default_factory=lambda: f"app/written/{uuid.uuid4().hex[:8]}")
    client: Any = None

    def connect(self) -> None:
        self.client = vault_client(self.variables)

    def write(self, number: int) -> None:
        self.client.secrets.kv.v2.create_or_update_secret(path=f"{self.path}/{number}", secret={"number": number})

    def read(self) -> set[int]:
        listed = self.client.secrets.kv.v2.list_secrets(path=self.path)
        return {int(key) for key in listed["data"]["keys"]}

    def close(self) -> None:
        if self.client is not None:
            self.client.adapter.close()


def postgres(variables: Variables, url: str, **options: Any) -> Any:
    """psycopg as in a process that has loaded the env file: libpq then finds the CA by PGSSLROOTCERT."""
    import psycopg

    return psycopg.connect(url, **{"sslrootcert": variables["PGSSLROOTCERT"], "connect_timeout": 3, **options})


def plain_redis(variables: Variables) -> Any:
    import redis

    return redis.Redis(
        host=variables["REDIS_HOST"],
        port=int(variables["REDIS_PORT"]),
        username=variables["REDIS_USERNAME"],
        password=variables["REDIS_PASSWORD"],
        ssl=True,
        ssl_ca_certs=variables["NEXUSDEV_CA_FILE"],
        socket_timeout=2,
        socket_connect_timeout=2,
    )


def sentinel_master(variables: Variables) -> Any:
    """Unmodified redis-py, told of the sentinels as its documentation says."""
    from redis.sentinel import Sentinel

    credentials = {
        "username": variables["REDIS_USERNAME"],
        "password": variables["REDIS_PASSWORD"],
        "ssl": True,
        "ssl_ca_certs": variables["NEXUSDEV_CA_FILE"],
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
    }
    nodes = [
        (host, int(port)) for host, port in (node.rsplit(":", 1) for node in variables["REDIS_SENTINELS"].split(","))
    ]
    sentinel = Sentinel(nodes, sentinel_kwargs=credentials, **credentials)  # type: ignore[no-untyped-call]
    return sentinel.master_for(variables["REDIS_MASTER_NAME"])  # type: ignore[no-untyped-call]


def s3_client(variables: Variables, **settings: Any) -> Any:
    """``settings``: botocore's, where they shall be others."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
        verify=variables["AWS_CA_BUNDLE"],
        config=Config(
            **{
                "connect_timeout": 3,
                "read_timeout": 10,
                "retries": {"max_attempts": 5, "mode": "standard"},
                **settings,
            }
        ),
    )


def vault_client(variables: Variables) -> Any:
    import hvac

    return hvac.Client(
        url=variables["VAULT_ADDR"], token=variables["VAULT_TOKEN"], verify=variables["VAULT_CACERT"], timeout=5
    )


@dataclass(kw_only=True)
class Account:
    """What happened to one writer: acknowledged numbers, the longest time without an acknowledgement, the errors."""

    acknowledged: list[int] = field(default_factory=list)
    gap: float = 0.0
    errors: list[str] = field(default_factory=list)


@contextlib.contextmanager
def writing(writer: Writer, *, pause: float = 0.02) -> Iterator[Account]:
    """Write in the background while the block runs, then until one more write was acknowledged (at most 60 s)."""
    account, stop = Account(), threading.Event()
    writer.connect()
    thread = threading.Thread(target=_write_until, args=(writer, account, stop, pause), daemon=True)
    thread.start()
    try:
        yield account
    finally:
        stop.set()
        thread.join(timeout=90)
        assert not thread.is_alive(), f"{writer.name} never took a write again: {account.errors[-3:]}"


def _write_until(writer: Writer, account: Account, stop: threading.Event, pause: float) -> None:
    number, last, deadline = 0, time.monotonic(), None
    while True:
        number += 1
        try:
            writer.write(number)
        except Exception as error:  # whatever a client library raises
            account.errors.append(f"{type(error).__name__}: {error}")
            _reconnect(writer)
        else:
            now = time.monotonic()
            account.acknowledged.append(number)
            account.gap, last = max(account.gap, now - last), now
            if stop.is_set():
                return
        if stop.is_set():
            deadline = deadline or time.monotonic() + 60
            if time.monotonic() > deadline:
                account.gap = max(account.gap, time.monotonic() - last)
                return
        time.sleep(pause)


def _reconnect(writer: Writer) -> None:
    with contextlib.suppress(Exception):
        writer.close()
    with contextlib.suppress(Exception):
        writer.connect()


def until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait until the condition holds; an exception counts as 'not yet'."""
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception as error:
            last = f": {error}"
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s{last}")


def body(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())
