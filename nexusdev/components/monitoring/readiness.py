"""Readiness of monitoring: every Prometheus monitors all services, and every Alertmanager would notify.

A target that is down counts against monitoring only after a minute: that a part does not answer while it starts is what
monitoring is there to see, and Prometheus looks again every 5 s. So nothing waits for a scrape; ``status`` shows each target at once.
Nor for the list of targets itself: a Prometheus that has just started hands it to its scrapers at the next tick of 5 s.
"""

from __future__ import annotations

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.components.monitoring import targets
from nexusdev.components.monitoring.targets import Target


class PrometheusServer(Struct, frozen=True, kw_only=True):
    """What one Prometheus told, or the ``trouble`` with it. ``young``: its list of targets may still come."""

    name: str
    trouble: str = ""
    targets: tuple[Target, ...] = ()
    young: bool = False


class Peer(Struct, frozen=True, kw_only=True):
    """What an Alertmanager (or Grafana, which has no peers) told; ``members``: how many it sees, itself among them."""

    name: str
    trouble: str = ""
    members: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """What all of them told. ``services``: those that exist in this run; ``running``: those of them that run;
    ``unscraped``: those of the stack that need no target.
    """

    servers: tuple[PrometheusServer, ...] = ()
    alertmanagers: tuple[Peer, ...] = ()
    grafana: Peer | None = None
    services: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    unscraped: frozenset[str] = frozenset()

    def wanted(self, server: PrometheusServer) -> tuple[Target, ...]:
        """The targets that must be up here: of what exists in this run."""
        return tuple(each for each in server.targets if each.needs <= self.services)


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. Names what is missing, the servers themselves first."""
    grafana = (facts.grafana,) if facts.grafana else ()
    troubles = [each.trouble for each in (*facts.servers, *facts.alertmanagers, *grafana) if each.trouble]
    if troubles:
        return Readiness(missing="; ".join(troubles))
    for server in facts.servers:
        if not facts.wanted(server) and not server.young:
            return Readiness(missing=f"{server.name} has no targets yet")
    if lost := {_by_job(each): each for server in facts.servers for each in facts.wanted(server) if each.lost}:
        return Readiness(missing=f"{targets.named([lost[key] for key in sorted(lost)])} down")
    for peer in facts.alertmanagers:
        if peer.members < len(facts.alertmanagers):
            return Readiness(missing=f"{peer.name} sees {peer.members} of {len(facts.alertmanagers)} alertmanagers")
    return Readiness()


def _by_job(target: Target) -> tuple[str, str]:
    return target.job, target.instance
