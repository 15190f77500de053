"""The rows of Redis in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.redis.readiness import Facts, RedisServer, RelayStatus, Sentinel, master_of
from nexusdev.util.humanize import file_size, join_names

# Above this ratio `status` shows the memory in use, and the alert RedisMemoryNearLimit fires.
NEARLY_FULL = 0.9


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """Servers, sentinels, the relay."""
    master = master_of(facts)
    return (
        *(_server(server, master, alone=len(facts.servers) == 1) for server in facts.servers),
        *(_sentinel(sentinel, master) for sentinel in facts.sentinels),
        *_relay(facts.relays, master),
    )


def _server(server: RedisServer, master: RedisServer | None, *, alone: bool) -> ServiceStatus:
    if server.trouble:
        return ServiceStatus(service=server.name, detail=server.trouble)
    if server.loading:
        return ServiceStatus(service=server.name, role=server.role, state="loading")
    if server.is_master:
        full = server.memory_share >= 1
        detail = server.refusal or ("the only server" if alone else f"{server.replicas} replicas in sync")
        return ServiceStatus(
            service=server.name,
            role="master",
            state="running",
            detail="; ".join((detail, *_memory(server))),
            ok=server is master and not (server.refusal or full or server.evicts_any_key),
        )
    behind = max(0, master.offset - server.offset) if master else 0
    return ServiceStatus(
        service=server.name,
        role="replica",
        state="in step" if server.in_step else "copying",
        detail=f"follows {server.follows}, {behind} bytes behind",
        ok=server.in_step and master is not None and server.follows == master.name,
    )


def _memory(server: RedisServer) -> Iterator[str]:
    """What a person must know of its memory: that writes or keys are lost, or soon will be."""
    if server.memory_share >= NEARLY_FULL:
        used = f"{server.memory_share:.0%} of {file_size(server.memory_limit)} memory in use"
        yield f"{used}, writes are refused" if server.memory_share >= 1 else used
    if server.evicts_any_key:
        yield f"evicts keys without a TTL at the memory limit ({server.policy})"


def _sentinel(sentinel: Sentinel, master: RedisServer | None) -> ServiceStatus:
    if sentinel.trouble:
        return ServiceStatus(service=sentinel.name, role="sentinel", detail=sentinel.trouble)
    if not sentinel.master:
        return ServiceStatus(
            service=sentinel.name, role="sentinel", state="waiting", detail="does not monitor a master yet"
        )
    return ServiceStatus(
        service=sentinel.name,
        role="sentinel",
        state="watching",
        detail=f"{sentinel.master} is master; sees {sentinel.sentinels} sentinels, {sentinel.replicas} replicas",
        ok=master is not None and sentinel.master == master.name,
    )


def _relay(routes: Sequence[RelayStatus], master: RedisServer | None) -> Sequence[ServiceStatus]:
    """One row for the relay: what is wrong with any of its routes, else the master that all of them report."""
    if not routes:
        return ()
    name = routes[0].name
    if trouble := next((each for each in routes if each.trouble), None):
        detail = f"does not answer for {trouble.sentinel}: {trouble.trouble}"
        return (ServiceStatus(service=name, role="relay", detail=detail),)
    reported = sorted({each.master or "no master" for each in routes})
    agrees = master is not None and reported == [master.address]
    detail = f"reports {join_names(reported)}"
    return (ServiceStatus(service=name, role="relay", state="relaying", detail=detail, ok=agrees),)
