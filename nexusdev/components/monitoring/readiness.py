"""Readiness of monitoring: both Prometheus watch every service, and both Alertmanagers would notify.

A target that is down counts against monitoring only after a minute: that a part does not answer while it starts is what
monitoring is there to see, and Prometheus looks again every 5 s. So nothing waits for a scrape; ``status`` shows each target at once.
Nor for the list of targets itself: a Prometheus that has just started hands it to its scrapers at the next tick of 5 s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from nexusdev.components.contract import Component, Readiness, ScrapeTargets, ServiceStatus
from nexusdev.components.https_connection import HttpsConnection, Response, connect
from nexusdev.components.monitoring import names, targets
from nexusdev.components.monitoring.targets import Target
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together

_OK, _STARTING = 200, 503
# Seconds in which a Prometheus that has started may be without targets: three ticks of its discovery.
_YOUTH = 15.0


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
    """What all of them told. ``services``: those that exist in this run; ``running``: those of them that run."""

    servers: tuple[PrometheusServer, ...] = ()
    alertmanagers: tuple[Peer, ...] = ()
    grafana: Peer | None = None
    services: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()

    def wanted(self, server: PrometheusServer) -> tuple[Target, ...]:
        """The targets that must be up here: of what exists in this run."""
        return tuple(each for each in server.targets if each.needs <= self.services)


def probe(access: InstanceAccess, components: Mapping[str, Component]) -> Facts:
    """Ask all of them at once, and the runtime for what exists. ``components``: those that may be scraped, by name."""
    declared = targets.declared(components)
    services = access.runtime.observe().services
    asked: dict[str, Callable[[], Any]] = {
        **{name: partial(_server, access, name, declared) for name in names.PROMETHEUSES},
        **{name: partial(_alertmanager, access, name) for name in names.ALERTMANAGERS},
    }
    if names.GRAFANA in services:
        asked[names.GRAFANA] = partial(_grafana, access)
    reply = together(asked)
    return Facts(
        servers=tuple(reply[name] for name in names.PROMETHEUSES),
        alertmanagers=tuple(reply[name] for name in names.ALERTMANAGERS),
        grafana=reply.get(names.GRAFANA),
        services=frozenset(services),
        running=frozenset(name for name, each in services.items() if each.runs),
    )


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


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per server: how many targets are up, how many peers are seen."""
    grafana = (_row(facts.grafana, detail="", ok=True),) if facts.grafana else ()
    return (*(_counted(server, facts) for server in facts.servers), *map(_peer, facts.alertmanagers), *grafana)


def _counted(server: PrometheusServer, facts: Facts) -> ServiceStatus:
    wanted = facts.wanted(server)
    if not wanted:
        return _row(server, detail="no targets yet", ok=server.young)
    up = sum(target.is_up for target in wanted)
    return _row(server, detail=f"{up} of {len(wanted)} targets up", ok=up == len(wanted))


def _peer(peer: Peer) -> ServiceStatus:
    wanted = len(names.ALERTMANAGERS)
    return _row(peer, detail=f"sees {peer.members} of {wanted}", ok=peer.members == wanted)


def _row(reply: PrometheusServer | Peer, *, detail: str, ok: bool) -> ServiceStatus:
    if reply.trouble:
        return ServiceStatus(service=reply.name, detail=reply.trouble)
    return ServiceStatus(service=reply.name, role="server", state="running", detail=detail, ok=ok)


def _by_job(target: Target) -> tuple[str, str]:
    return target.job, target.instance


def _server(access: InstanceAccess, name: str, declared: ScrapeTargets) -> PrometheusServer:
    def read(answer: Response, line: HttpsConnection) -> PrometheusServer:
        marks = line.get(_question(declared)).json()
        silent, lost = (targets.keys(marks, mark) for mark in ("silent", "lost"))
        listed = targets.parse(answer.json(), declared, silent=silent, lost=lost)
        return PrometheusServer(name=name, targets=listed, young=not listed and _is_young(line))

    reply = _asked(access, name, names.PORT, "/api/v1/targets?state=active", read)
    return reply if isinstance(reply, PrometheusServer) else PrometheusServer(name=name, trouble=reply)


def _question(declared: ScrapeTargets) -> str:
    marks = {"silent": targets.silent_query(declared), "lost": targets.lost_query(declared)}
    query = " or ".join(f'label_replace({each}, "what", "{mark}", "", "")' for mark, each in marks.items())
    return f"/api/v1/query?query={quote(query)}"


def _is_young(line: HttpsConnection) -> bool:
    """By its own clock: a container's need not be ours."""
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    answer = line.get("/api/v1/status/runtimeinfo")
    began = datetime.fromisoformat(answer.json()["data"]["startTime"])
    return (parsedate_to_datetime(answer.headers["date"]) - began).total_seconds() < _YOUTH


def _alertmanager(access: InstanceAccess, name: str) -> Peer:
    def read(answer: Response, _: HttpsConnection) -> Peer:
        cluster: Mapping[str, Any] = answer.json()["cluster"]
        return Peer(name=name, members=len(cluster["peers"]))

    reply = _asked(access, name, names.ALERTS_PORT, "/api/v2/status", read)
    return reply if isinstance(reply, Peer) else Peer(name=name, trouble=reply)


def _grafana(access: InstanceAccess) -> Peer:
    reply = _asked(access, names.GRAFANA, names.PAGES_PORT, "/api/health", lambda *_: Peer(name=names.GRAFANA))
    return reply if isinstance(reply, Peer) else Peer(name=names.GRAFANA, trouble=reply)


def _asked(
    access: InstanceAccess, name: str, port: int, path: str, read: Callable[[Response, HttpsConnection], Any]
) -> Any:
    """What ``read`` makes of the answer, or a sentence that says why there is none. ``read`` may go on asking on the same line."""
    try:
        with connect(access.address(name, port), access=access) as line:
            answer = line.get(path)
            if answer.status != _OK:
                return f"{name} is starting" if answer.status == _STARTING else f"{name} answered {answer.status}"
            return read(answer, line)
    except OSError:
        return f"{name} does not answer"
    except (ValueError, KeyError, TypeError) as error:
        return f"unexpected answer from {name}: {error!r}"
