"""The rows of ``status``, from the facts of readiness. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Node
from nexusdev.components.redis.readiness import Facts, Relay, Sentinel, Server, master_of


def nodes(facts: Facts) -> Sequence[Node]:
    """Servers, sentinels, relays."""
    master = master_of(facts)
    return (
        *(_server(server, master) for server in facts.servers),
        *(_sentinel(sentinel, master) for sentinel in facts.sentinels),
        *(_relay(relay, master) for relay in facts.relays),
    )


def _server(server: Server, master: Server | None) -> Node:
    if server.trouble:
        return Node(service=server.name, detail=server.trouble)
    if server.loading:
        return Node(service=server.name, role=server.role, state="loading")
    if server.is_master:
        detail = server.refusal or f"{server.replicas} replicas in step"
        return Node(
            service=server.name,
            role="master",
            state="running",
            detail=detail,
            ok=server is master and not server.refusal,
        )
    behind = max(0, master.offset - server.offset) if master else 0
    return Node(
        service=server.name,
        role="replica",
        state="in step" if server.in_step else "copying",
        detail=f"follows {server.follows}, {behind} bytes behind",
        ok=server.in_step and master is not None and server.follows == master.name,
    )


def _sentinel(sentinel: Sentinel, master: Server | None) -> Node:
    if sentinel.trouble:
        return Node(service=sentinel.name, role="sentinel", detail=sentinel.trouble)
    if not sentinel.master:
        return Node(service=sentinel.name, role="sentinel", state="waiting", detail="watches no master yet")
    return Node(
        service=sentinel.name,
        role="sentinel",
        state="watching",
        detail=f"{sentinel.master} is master; sees {sentinel.sentinels} sentinels, {sentinel.replicas} replicas",
        ok=master is not None and sentinel.master == master.name,
    )


def _relay(relay: Relay, master: Server | None) -> Node:
    if relay.trouble:
        return Node(service=relay.name, role="relay", detail=relay.trouble)
    agrees = master is not None and relay.master == master.address
    return Node(
        service=relay.name, role="relay", state="relaying", detail=f"names {relay.master or 'nobody'}", ok=agrees
    )
