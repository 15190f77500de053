"""The rows of Vault in ``status``, from the facts of the probe, and the condition ``unsealed``. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.vault.readiness import Facts, VaultServer
from nexusdev.util.humanize import join_names


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per server."""
    rows = [_row(node, facts) for node in facts.nodes]
    transit = ServiceStatus(
        service=facts.unseal.name,
        role="seal" if facts.unseal.answers else "",
        state=facts.unseal.state,
        ok=facts.unseal.unsealed,
    )
    return (*rows, transit)


def unsealed(rows: Sequence[ServiceStatus]) -> str:
    """What is missing until every server is unsealed, for ``wait --for unsealed``. Pure."""
    if not rows:
        return "none of its servers answers"
    sealed = [row.service for row in rows if "sealed" in row.state.split() or row.state == "down"]
    return f"{join_names(sealed)} sealed or down" if sealed else ""


def _row(server: VaultServer, facts: Facts) -> ServiceStatus:
    role = ("active" if server.active else "standby") if server.unsealed else ""
    detail = ""
    if server.active and facts.tolerance is not None:
        detail = "all nodes vote" if facts.all_vote else "not all nodes vote"
    return ServiceStatus(service=server.name, role=role, state=server.state, detail=detail, ok=server.unsealed)
