"""Every bad day of Redis is one row: what was seen, and the sentence that a person reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import Readiness, ServiceStatus
from nexusdev.components.redis.component import create
from nexusdev.components.redis.probe import probe
from nexusdev.components.redis.readiness import Facts, RedisServer, RelayStatus, Sentinel, assess
from nexusdev.components.redis.status import statuses
from tests.unit.components.redis.world import World

COMPONENT = create({})

MASTER = RedisServer(name="redis-0", run_id="a", role="master", replicas=2, offset=120, address="127.0.0.1:21070")
READY = Facts(
    servers=(
        MASTER,
        RedisServer(
            name="redis-1",
            run_id="b",
            role="slave",
            follows="redis-0",
            in_step=True,
            offset=120,
            address="127.0.0.1:21071",
        ),
        RedisServer(
            name="redis-2",
            run_id="c",
            role="slave",
            follows="redis-0",
            in_step=True,
            offset=100,
            address="127.0.0.1:21072",
        ),
    ),
    sentinels=tuple(
        Sentinel(name=f"sentinel-{n}", master="redis-0", sentinels=2, replicas=2, flags=("master",)) for n in range(3)
    ),
    routes=(
        replace(MASTER, name="redis-master"),
        RedisServer(name="redis-replica", run_id="b", role="slave", follows="redis-0"),
    ),
    relays=tuple(
        RelayStatus(name="sentinel-relay", sentinel=f"sentinel-{n}", master="127.0.0.1:21070") for n in range(3)
    ),
)

Change = Callable[[Facts], Facts]


def servers(number: int, **changes: Any) -> Change:
    return lambda facts: replace(facts, servers=_changed(facts.servers, number, changes))


def sentinels(number: int, **changes: Any) -> Change:
    return lambda facts: replace(facts, sentinels=_changed(facts.sentinels, number, changes))


def routes(number: int, **changes: Any) -> Change:
    return lambda facts: replace(facts, routes=_changed(facts.routes, number, changes))


def relays(number: int, **changes: Any) -> Change:
    return lambda facts: replace(facts, relays=_changed(facts.relays, number, changes))


def _changed(items: tuple[Any, ...], number: int, changes: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(replace(item, **changes) if place == number else item for place, item in enumerate(items))


def test_a_master_with_two_replicas_and_three_agreeing_sentinels_is_ready() -> None:
    assert assess(READY) == Readiness()


@pytest.mark.parametrize(
    ("change", "missing", "seedable"),
    [
        (servers(1, trouble="connection refused"), "redis-1 does not answer: connection refused", False),
        (servers(0, loading=True), "redis-0 is still loading its data", True),
        (servers(0, role="slave", follows="redis-1", in_step=False), "no server is master yet", False),
        (servers(1, role="master"), "2 masters: redis-0 and redis-1", False),
        (servers(2, in_step=False), "redis-2 is not in sync with redis-0 yet", True),
        (servers(2, follows="redis-1"), "redis-2 follows redis-1, but redis-0 is master", True),
        (servers(2, follows=""), "redis-2 follows no master, but redis-0 is master", True),
        (servers(0, replicas=1), "redis-0 has 1 of 2 replicas", True),
        (
            servers(0, refusal="NOREPLICAS Not enough good replicas to write."),
            "redis-0 does not accept writes: NOREPLICAS Not enough good replicas to write.",
            False,
        ),
        (sentinels(1, trouble="timed out"), "sentinel-1 does not answer: timed out", True),
        (sentinels(1, master=""), "sentinel-1 does not monitor a master yet", True),
        (sentinels(2, master="redis-1"), "sentinel-2 reports redis-1 as master instead of redis-0", True),
        (sentinels(0, flags=("s_down", "master", "o_down")), "sentinel-0 marks redis-0 as o_down, s_down", True),
        (sentinels(0, sentinels=1), "sentinel-0 sees 1 of 2 other sentinels", True),
        (sentinels(0, replicas=0), "sentinel-0 sees 0 of 2 replicas", True),
        (
            routes(0, trouble="the connection was closed"),
            "redis-master does not answer at the gateway: the connection was closed",
            True,
        ),
        (routes(0, run_id="c"), "redis-master routes to redis-2, but redis-0 is master", True),
        (routes(0, run_id="z"), "redis-master routes to an unknown server, but redis-0 is master", True),
        (
            routes(0, refusal="READONLY You can't write"),
            "redis-master does not accept writes: READONLY You can't write",
            True,
        ),
        (routes(1, run_id="a"), "redis-replica routes to redis-0, but redis-0 is master", True),
        (
            relays(1, trouble="connection refused"),
            "sentinel-relay does not answer for sentinel-1: connection refused",
            True,
        ),
        (
            relays(1, master="127.0.0.1:21072"),
            "sentinel-relay reports 127.0.0.1:21072 for sentinel-1, but the master is at 127.0.0.1:21070",
            True,
        ),
        (
            relays(1, master="redis-0:6379"),
            "sentinel-relay reports redis-0:6379 for sentinel-1, but the master is at 127.0.0.1:21070",
            True,
        ),
    ],
)
def test_each_missing_part_has_its_sentence(change: Change, missing: str, seedable: bool) -> None:
    assert assess(change(READY)) == Readiness(missing=missing, seedable=seedable)


def test_causes_are_named_before_their_consequences() -> None:
    facts = sentinels(0, master="redis-1")(servers(2, trouble="connection refused")(READY))
    assert assess(facts).missing == "redis-2 does not answer: connection refused"


def test_no_facts_mean_not_ready() -> None:
    assert assess(Facts()) == Readiness(missing="no server is master yet")


def test_a_healthy_redis_is_probed_completely(redis: World) -> None:
    facts = probe(redis.access)
    assert assess(facts) == Readiness()
    assert [server.role for server in facts.servers] == ["master", "slave", "slave"]
    assert [sentinel.master for sentinel in facts.sentinels] == ["redis-0"] * 3
    assert [route.run_id for route in facts.routes] == ["run-redis-0", "run-redis-1"]
    assert {relay.master for relay in facts.relays} == {str(redis.addresses["redis-0", 6379])}


def test_a_failover_is_visible_on_every_path(redis: World) -> None:
    redis.become_master("redis-2")
    facts = probe(redis.access)
    assert assess(facts) == Readiness()
    assert facts.routes[0].run_id == "run-redis-2"


def test_a_down_server_is_a_fact_and_not_an_error(redis: World) -> None:
    redis.down.add("redis-1")
    assert assess(probe(redis.access)).missing == "redis-1 does not answer: the connection was closed"


def test_the_reason_of_a_refused_write_is_requested(redis: World) -> None:
    redis.servers["redis-0"].refusal = "NOREPLICAS Not enough good replicas to write."
    assert (
        assess(probe(redis.access, test_writes=True)).missing
        == "redis-0 does not accept writes: NOREPLICAS Not enough good replicas to write."
    )


def test_a_probe_without_write_tests_only_reads(redis: World) -> None:
    redis.servers["redis-0"].refusal = "NOREPLICAS Not enough good replicas to write."
    assert assess(probe(redis.access)) == Readiness()
    nodes = (*redis.servers.values(), *redis.sentinels.values())
    assert {words[0] for node in nodes for words in node.seen} == {"AUTH", "INFO", "SENTINEL"}


def test_a_rejected_password_is_reported(redis: World) -> None:
    redis.servers["redis-1"].users.clear()
    assert assess(probe(redis.access)).missing.startswith("redis-1 does not answer: WRONGPASS")


def test_sentinels_are_not_asked_before_a_server_answers(redis: World) -> None:
    redis.down.update(("redis-0", "redis-1", "redis-2"))
    facts = probe(redis.access)
    assert [*facts.sentinels, *facts.routes, *facts.relays] == []


def test_status_shows_servers_sentinels_and_the_relay() -> None:
    rows = statuses(READY)
    assert rows[0] == ServiceStatus(
        service="redis-0", role="master", state="running", detail="2 replicas in sync", ok=True
    )
    assert rows[2] == ServiceStatus(
        service="redis-2", role="replica", state="in step", detail="follows redis-0, 20 bytes behind", ok=True
    )
    assert rows[3].detail == "redis-0 is master; sees 2 sentinels, 2 replicas"
    assert rows[-1] == ServiceStatus(
        service="sentinel-relay", role="relay", state="relaying", detail="reports 127.0.0.1:21070", ok=True
    )
    assert all(row.ok for row in rows)


@pytest.mark.parametrize(
    ("memory", "policy", "detail", "ok"),
    [
        (0, "noeviction", "2 replicas in sync", True),
        (449_000_000, "noeviction", "2 replicas in sync", True),
        (460_800_000, "noeviction", "2 replicas in sync; 90% of 512 MB memory in use", True),
        (512_000_000, "noeviction", "2 replicas in sync; 100% of 512 MB memory in use, writes are refused", False),
        (0, "volatile-lru", "2 replicas in sync", True),
        (
            0,
            "allkeys-lru",
            "2 replicas in sync; evicts keys without a TTL at the memory limit (allkeys-lru)",
            False,
        ),
    ],
)
def test_status_shows_full_memory_and_eviction(memory: int, policy: str, detail: str, ok: bool) -> None:
    facts = servers(0, memory=memory, memory_limit=512_000_000, policy=policy)(READY)
    assert statuses(facts)[0] == ServiceStatus(service="redis-0", role="master", state="running", detail=detail, ok=ok)


def test_a_server_without_a_limit_is_never_full() -> None:
    assert statuses(servers(0, memory=10**9)(READY))[0].detail == "2 replicas in sync"


def test_memory_usage_is_parsed(redis: World) -> None:
    [master, *_] = probe(redis.access).servers
    assert (master.memory, master.memory_limit, master.policy) == (2_000_000, 536_870_912, "noeviction")


def test_status_shows_misbehaving_nodes() -> None:
    facts = READY
    for change in (
        servers(1, trouble="connection refused"),
        servers(2, in_step=False),
        sentinels(0, master=""),
        relays(2, trouble="connection refused"),
    ):
        facts = change(facts)
    rows = {row.service: row for row in COMPONENT.statuses(facts)}
    assert rows["redis-1"] == ServiceStatus(service="redis-1", detail="connection refused")
    assert (rows["redis-2"].state, rows["redis-2"].ok) == ("copying", False)
    assert (rows["sentinel-0"].state, rows["sentinel-0"].ok) == ("waiting", False)
    assert rows["sentinel-relay"] == ServiceStatus(
        service="sentinel-relay", role="relay", detail="does not answer for sentinel-2: connection refused"
    )


def test_a_relay_with_an_outdated_master_is_not_ok() -> None:
    *_, row = COMPONENT.statuses(relays(1, master="127.0.0.1:21072")(READY))
    assert (row.detail, row.ok) == ("reports 127.0.0.1:21070 and 127.0.0.1:21072", False)
    *_, row = COMPONENT.statuses(relays(1, master="")(READY))
    assert (row.detail, row.ok) == ("reports 127.0.0.1:21070 and no master", False)


def test_a_single_server_needs_neither_replicas_nor_sentinels() -> None:
    only = replace(MASTER, replicas=0)
    facts = Facts(servers=(only,), routes=(replace(only, name="redis-master"), replace(only, name="redis-replica")))
    assert assess(facts).ready
    assert [(row.service, row.detail, row.ok) for row in statuses(facts)] == [("redis-0", "the only server", True)]
