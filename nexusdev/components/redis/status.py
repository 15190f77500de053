"""The rows of Redis in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.redis.readiness import Facts, RedisServer, RelayStatus, Sentinel, master_of


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """Servers, sentinels, relays."""
    master = master_of(facts)
    return (
        *(_server(server, master) for server in facts.servers),
        *(_sentinel(sentinel, master) for sentinel in facts.sentinels),
        *(_relay(relay, master) for relay in facts.relays),
    )


def _server(server: RedisServer, master: RedisServer | None) -> ServiceStatus:
    if server.trouble:
        return ServiceStatus(service=server.name, detail=server.trouble)
    if server.loading:
        return ServiceStatus(service=server.name, role=server.role, state="loading")
    if server.is_master:
        detail = server.refusal or f"{server.replicas} replicas in sync"
        return ServiceStatus(
            service=server.name,
            role="master",
            state="running",
            detail=detail,
            ok=server is master and not server.refusal,
        )
    behind = max(0, master.offset - server.offset) if master else 0
    return ServiceStatus(
        service=server.name,
        role="replica",
        state="in step" if server.in_step else "copying",
        detail=f"follows {server.follows}, {behind} bytes behind",
        ok=server.in_step and master is not None and server.follows == master.name,
    )


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


def _relay(relay: RelayStatus, master: RedisServer | None) -> ServiceStatus:
    if relay.trouble:
        return ServiceStatus(service=relay.name, role="relay", detail=relay.trouble)
    agrees = master is not None and relay.master == master.address
    return ServiceStatus(
        service=relay.name, role="relay", state="relaying", detail=f"reports {relay.master or 'no master'}", ok=agrees
    )
