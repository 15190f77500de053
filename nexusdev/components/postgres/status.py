"""The rows of PostgreSQL in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.postgres import names
from nexusdev.components.postgres.readiness import Facts, Member, Serves, Store, is_in_quorum


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """PostgreSQL's nodes, the stores behind them, the pool in front. Pure."""
    members = {member.name: member for member in facts.members}
    servers = [_server(name, members.get(name), answers=name in facts.views) for name in facts.nodes]
    stores = [_store(name, store) for name, store in facts.stores.items()]
    return (*servers, *stores, _pooler(facts))


def _server(name: str, member: Member | None, *, answers: bool) -> ServiceStatus:
    if not answers:
        return ServiceStatus(service=name, detail="does not answer")
    if member is None:
        return ServiceStatus(service=name, state="starting", detail="not in the cluster yet")
    role = "primary" if member.leads else "replica"
    return ServiceStatus(service=name, role=role, state=member.state, detail=_detail(member), ok=is_in_quorum(member))


def _detail(member: Member) -> str:
    timeline = f"timeline {member.timeline}"
    if member.leads:
        return timeline
    lag = "lag unknown" if member.lag < 0 else f"lag {_size(member.lag)}"
    quorum = "in the quorum" if is_in_quorum(member) else "not in the quorum"
    return f"{quorum}, {lag}, {timeline}"


def _size(size: int) -> str:
    return f"{size} B" if size < 1 << 20 else f"{size >> 20} MiB"


def _store(name: str, store: Store) -> ServiceStatus:
    if not store.answers:
        return ServiceStatus(service=name, detail="does not answer")
    role = "leader" if store.leads else "follower" if store.has_leader else ""
    detail = "" if store.has_leader else "no quorum"
    return ServiceStatus(service=name, role=role, state="running", detail=detail, ok=store.has_leader)


def _pooler(facts: Facts) -> ServiceStatus:
    path = facts.pool
    if path.serves in (Serves.UNASKED, Serves.SILENT):
        return ServiceStatus(service=names.POOL, detail=path.answer or "not checked: no primary")
    ok = path.serves is Serves.PRIMARY
    return ServiceStatus(
        service=names.POOL,
        role="pool",
        state="running",
        detail=f"routes to the {path.serves}" if ok else path.answer,
        ok=ok,
    )
