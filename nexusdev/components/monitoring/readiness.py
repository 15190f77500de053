"""Readiness of monitoring: every Prometheus monitors all services, and every Alertmanager would notify.

A target that is down makes monitoring unready only after a minute, because servers do not answer while they start, and Prometheus
scrapes again every 5 s. So ``up`` waits for no scrape; ``status`` shows each target at once. It does not wait for the list of
targets either: a Prometheus that has just started gives it to its scrapers at the next tick of 5 s.
"""

from __future__ import annotations

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.components.monitoring import names, targets
from nexusdev.components.monitoring.targets import Target


class PrometheusServer(Struct, frozen=True, kw_only=True):
    """The answer of one Prometheus, or its ``trouble``. ``young``: it has just started and may have no list of targets yet."""

    name: str
    trouble: str = ""
    targets: tuple[Target, ...] = ()
    young: bool = False


class Peer(Struct, frozen=True, kw_only=True):
    """The answer of an Alertmanager, or of Grafana, which has no peers. ``members``: how many it sees, including itself."""

    name: str
    trouble: str = ""
    members: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """The answers of all servers.

    Attributes:
        servers: Every Prometheus of the stack.
        alertmanagers: Every Alertmanager of the stack.
        grafana: Grafana; None if its container does not exist.
        services: The services that exist in this run.
        running: Those of them that run.
        unscraped: Services of the stack that need no target.
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
    if lost := {_by_job(each): each for server in facts.servers for each in facts.wanted(server) if _counts(each)}:
        return Readiness(missing=f"{targets.named([lost[key] for key in sorted(lost)])} down")
    for peer in facts.alertmanagers:
        if peer.members < len(facts.alertmanagers):
            return Readiness(missing=f"{peer.name} sees {peer.members} of {len(facts.alertmanagers)} alertmanagers")
    return Readiness()


def _counts(target: Target) -> bool:
    """Whether a lost target is monitoring's own trouble: what one of the project's services does not tell, an alert says."""
    return target.lost and target.job != names.OWN_JOB


def _by_job(target: Target) -> tuple[str, str]:
    return target.job, target.instance
