"""The rows of the gateway in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.gateway.readiness import Facts


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per proxy: role name → who serves it now."""
    return tuple(_row(proxy, facts) for proxy in facts.proxies)


def _row(proxy: str, facts: Facts) -> ServiceStatus:
    if proxy not in facts.servers:
        return ServiceStatus(service=proxy, detail="does not answer")
    own = [role for role in facts.roles if role.proxy == proxy]
    detail = ", ".join(f"{role.name} → {len(facts.up(role)) or 'no server'}" for role in own)
    return ServiceStatus(
        service=proxy, role="proxy", state="running", detail=detail, ok=all(facts.up(role) for role in own)
    )
