"""The rows of monitoring in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.monitoring.readiness import Facts, Peer, PrometheusServer


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per server: how many targets are up, how many peers are seen."""
    grafana = (_row(facts.grafana, detail="", ok=True),) if facts.grafana else ()
    return (
        *(_counted(server, facts) for server in facts.servers),
        *(_peer(each, facts) for each in facts.alertmanagers),
        *grafana,
    )


def _counted(server: PrometheusServer, facts: Facts) -> ServiceStatus:
    wanted = facts.wanted(server)
    if not wanted:
        return _row(server, detail="no targets yet", ok=server.young)
    up = sum(target.is_up for target in wanted)
    return _row(server, detail=f"{up} of {len(wanted)} targets up", ok=up == len(wanted))


def _peer(peer: Peer, facts: Facts) -> ServiceStatus:
    wanted = len(facts.alertmanagers)
    return _row(peer, detail=f"sees {peer.members} of {wanted}", ok=peer.members == wanted)


def _row(reply: PrometheusServer | Peer, *, detail: str, ok: bool) -> ServiceStatus:
    if reply.trouble:
        return ServiceStatus(service=reply.name, detail=reply.trouble)
    return ServiceStatus(service=reply.name, role="server", state="running", detail=detail, ok=ok)
