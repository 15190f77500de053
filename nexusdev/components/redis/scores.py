"""The rows of Redis: the hit ratio of a cache, what one of many users does, and what the application must not do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import accumulate
from typing import Any

from nexusdev.components.redis.load import login as as_application
from nexusdev.components.scores import Control, ControlResult, Measured, Score, ScoreBench, refusals

_PREFIX = "nexusdev-verify:"
_KEYS, _REQUESTS, _SKEW, _TTL, _BATCH = 5_000, 40_000, 1.07, 60, 100
_SEED = 7
_PATIENCE = 10.0


def _hit_ratio(bench: ScoreBench) -> Measured:
    """Read keys in the proportions of a Zipf distribution, and store what is missing, as an application with a cache does."""
    asked = _REQUESTS  # also in a quick run: with fewer requests most keys are asked for once
    client, hits = _client(bench.values), 0
    chosen = zipfian(asked)
    try:
        for begin in range(0, asked, _BATCH):
            batch = [f"{_PREFIX}{key}" for key in chosen[begin : begin + _BATCH]]
            missing = [key for key, value in zip(batch, client.mget(batch), strict=True) if value is None]
            hits += len(batch) - len(missing)
            with client.pipeline(transaction=False) as pipeline:
                for key in missing:
                    pipeline.set(key, "x" * 100, ex=_TTL)
                pipeline.execute()
        memory = client.info("memory")
    finally:
        for key in client.scan_iter(f"{_PREFIX}*", count=1000):
            client.delete(key)
        client.close()
    return Measured(
        value=100 * hits / asked,
        samples=asked,
        details={"keys": str(_KEYS), "policy": str(memory["maxmemory_policy"]), "TTL": f"{_TTL} s"},
        limit="each key is missing once: a longer run has a higher ratio. Keys end by their TTL, because queues must not be evicted",
    )


def zipfian(count: int) -> list[int]:
    """Return keys from 0 to 4999, the same ones every time: the most frequent key is about twice as frequent as the next."""
    chance = random.Random(_SEED)  # noqa: S311 - a load, not a secret
    weights = list(accumulate(1 / (rank + 1) ** _SKEW for rank in range(_KEYS)))
    return chance.choices(range(_KEYS), cum_weights=weights, k=count)


@asynccontextmanager
async def user(values: Mapping[str, str]) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """A user with a connection of its own, who reads a key."""
    from nexusdev.components.redis.client import async_client

    client = async_client(**_options(values))
    try:
        yield lambda: client.get(f"{_PREFIX}user")
    finally:
        await client.aclose()


def _rights(bench: ScoreBench) -> ControlResult:
    from nexusdev.components.redis.client import ResponseError

    client = _client(bench.values)
    try:
        return refusals(
            {
                command: partial(client.execute_command, *command.split())
                for command in ("ACL LIST", "CONFIG GET requirepass", "SLOWLOG GET", "LASTSAVE", "CLUSTER INFO")
            },
            (ResponseError,),
        )
    finally:
        client.close()


def _anonymous(bench: ScoreBench) -> ControlResult:
    """Without a password, and with those that people guess."""
    from nexusdev.components.redis.client import LoginErrors, RedisClient

    def login(**given: str) -> Callable[[], object]:
        options: dict[str, Any] = {
            key: value for key, value in _options(bench.values).items() if key not in {"username", "password"}
        }
        return lambda: RedisClient(**{**options, **given}).ping()

    return refusals(
        {
            "no password": login(),
            "password redis": login(password="redis"),  # noqa: S106 - a guess
            "nexus_app with its name as password": login(username="nexus_app", password="nexus_app"),  # noqa: S106
        },
        LoginErrors,
    )


def _options(values: Mapping[str, str]) -> dict[str, Any]:
    place = {"host": values["REDIS_HOST"], "port": int(values["REDIS_PORT"])}
    return {**place, **as_application(values, timeout=_PATIENCE)}


def _client(values: Mapping[str, str]) -> Any:
    from nexusdev.components.redis.client import RedisClient

    return RedisClient(**_options(values))


SCORES = (
    Score(
        name="cache-hit-ratio",
        title="Cache hit ratio",
        unit="%",
        target=80.0,
        at_least=True,
        production="94 %",
        method="reads of 5,000 keys in the proportions of a Zipf distribution (s = 1.07); what is missing is stored with a TTL",
        measure=_hit_ratio,
    ),
)
CONTROLS = (
    Control(name="redis-passwords", title="Redis accepts no missing or guessed password", check=_anonymous),
    Control(name="redis-rights", title="the application administers nothing in Redis", check=_rights),
)
