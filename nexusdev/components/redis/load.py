"""The load of Redis: redis-py on REDIS_HOST, and by way of the sentinels. A number and the register are written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nexusdev.components.drills import LoadClient, LoadKind

_PATIENCE = 2.0


class RedisLoad:
    """``components.drills.ProductLoad``."""

    kinds = (
        LoadKind(name="direct", path="REDIS_HOST", register=True),
        LoadKind(name="sentinel", path="REDIS_SENTINELS", register=True),
    )

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        """Do nothing: keys need no preparation."""

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        return RedisLoadClient(values=values, by_sentinels=kind == "sentinel", key=_key(mark, kind))

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        client = _direct(values)
        try:
            for kind in self.kinds:
                client.delete(_key(mark, kind.name), f"{_key(mark, kind.name)}:register")
        finally:
            client.close()


class RedisLoadClient(Struct, kw_only=True):
    """``components.drills.LoadClient``."""

    values: Mapping[str, str]
    by_sentinels: bool
    key: str
    redis: Any = None

    def connect(self) -> None:
        self.redis = _by_sentinels(self.values) if self.by_sentinels else _direct(self.values)
        self.redis.ping()

    def write(self, number: int) -> None:
        with self.redis.pipeline(transaction=True) as batch:
            batch.sadd(self.key, number)
            batch.set(f"{self.key}:register", number)
            batch.execute()

    def read(self) -> int | None:
        value = self.redis.get(f"{self.key}:register")
        return None if value is None else int(value)

    def stored(self) -> set[int]:
        return {int(member) for member in self.redis.smembers(self.key)}

    def close(self) -> None:
        if self.redis is not None:
            self.redis.close()
            self.redis = None


def _key(mark: str, kind: str) -> str:
    return f"app:{mark}:{kind}"


def login(values: Mapping[str, str], *, timeout: float = _PATIENCE) -> dict[str, Any]:
    """Return redis-py's options for the login and TLS of the env file. ``timeout``: seconds for each of connecting and replying."""
    return {
        "username": values["REDIS_USERNAME"],
        "password": values["REDIS_PASSWORD"],
        "ssl": True,
        "ssl_ca_certs": values["NEXUSDEV_CA_FILE"],
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
    }


def _direct(values: Mapping[str, str]) -> Any:
    """The client counts failures itself, so nothing is retried."""
    from nexusdev.components.redis.client import NO_RETRY, RedisClient

    return RedisClient(host=values["REDIS_HOST"], port=int(values["REDIS_PORT"]), retry=NO_RETRY, **login(values))


def _by_sentinels(values: Mapping[str, str]) -> Any:
    from nexusdev.components.redis.client import sentinel_client

    places = [place.rpartition(":") for place in values["REDIS_SENTINELS"].split(",")]
    nodes = [(host, int(port)) for host, _, port in places]
    return sentinel_client(nodes, values["REDIS_MASTER_NAME"], login(values))
