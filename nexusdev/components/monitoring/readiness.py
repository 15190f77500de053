"""Is every part watched, by both Prometheus, and would both Alertmanagers tell?

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

from nexusdev.components.contract import Node, Readiness
from nexusdev.components.https import Line, Response, opened
from nexusdev.components.monitoring import names, targets
from nexusdev.components.monitoring.targets import Target
from nexusdev.components.together import together
from nexusdev.plan.snapshot import State
from nexusdev.ports import Site

_OK, _STARTING = 200, 503
# Seconds in which a Prometheus that has started may be without targets: three ticks of its discovery.
_YOUTH = 15.0
_QUESTION = "/api/v1/query?query=" + quote(
    f'label_replace({targets.SILENT}, "what", "silent", "", "") or label_replace({targets.LOST}, "what", "lost", "", "")'
)


class Server(Struct, frozen=True, kw_only=True):
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

    servers: tuple[Server, ...] = ()
    alertmanagers: tuple[Peer, ...] = ()
    grafana: Peer | None = None
    services: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()

    def wanted(self, server: Server) -> tuple[Target, ...]:
        """The targets that must be up here: of what exists in this run."""
        return tuple(each for each in server.targets if each.needs <= self.services)


def look(site: Site) -> Facts:
    """Ask all of them at once, and the runtime for what exists."""
    containers = site.runtime.observe().containers
    asked: dict[str, Callable[[], Any]] = {
        **{name: partial(_server, site, name) for name in names.PROMETHEUSES},
        **{name: partial(_alertmanager, site, name) for name in names.ALERTMANAGERS},
    }
    if names.GRAFANA in containers:
        asked[names.GRAFANA] = partial(_grafana, site)
    told = together(asked)
    return Facts(
        servers=tuple(told[name] for name in names.PROMETHEUSES),
        alertmanagers=tuple(told[name] for name in names.ALERTMANAGERS),
        grafana=told.get(names.GRAFANA),
        services=frozenset(containers),
        running=frozenset(name for name, each in containers.items() if each.state is State.RUNNING),
    )


def judge(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. Names what is missing, the servers themselves first."""
    grafana = (facts.grafana,) if facts.grafana else ()
    troubles = [each.trouble for each in (*facts.servers, *facts.alertmanagers, *grafana) if each.trouble]
    if troubles:
        return Readiness(missing="; ".join(troubles))
    for server in facts.servers:
        if not facts.wanted(server) and not server.young:
            return Readiness(missing=f"{server.name} has no targets yet")
    if lost := sorted({each for server in facts.servers for each in facts.wanted(server) if each.lost}, key=_by_job):
        return Readiness(missing=f"{targets.named(lost)} down")
    for peer in facts.alertmanagers:
        if peer.members < len(facts.alertmanagers):
            return Readiness(missing=f"{peer.name} sees {peer.members} of {len(facts.alertmanagers)} alertmanagers")
    return Readiness()


def nodes(facts: Facts) -> Sequence[Node]:
    """One row per server: how many targets are up, how many peers are seen."""
    grafana = (_row(facts.grafana, detail="", ok=True),) if facts.grafana else ()
    return (*(_counted(server, facts) for server in facts.servers), *map(_peer, facts.alertmanagers), *grafana)


def _counted(server: Server, facts: Facts) -> Node:
    wanted = facts.wanted(server)
    if not wanted:
        return _row(server, detail="no targets yet", ok=server.young)
    up = sum(target.is_up for target in wanted)
    return _row(server, detail=f"{up} of {len(wanted)} targets up", ok=up == len(wanted))


def _peer(peer: Peer) -> Node:
    wanted = len(names.ALERTMANAGERS)
    return _row(peer, detail=f"sees {peer.members} of {wanted}", ok=peer.members == wanted)


def _row(told: Server | Peer, *, detail: str, ok: bool) -> Node:
    if told.trouble:
        return Node(service=told.name, detail=told.trouble)
    return Node(service=told.name, role="server", state="running", detail=detail, ok=ok)


def _by_job(target: Target) -> tuple[str, str]:
    return target.job, target.instance


def _server(site: Site, name: str) -> Server:
    def read(answer: Response, line: Line) -> Server:
        marks = line.get(_QUESTION).json()
        silent, lost = (targets.keys(marks, mark) for mark in ("silent", "lost"))
        listed = targets.parse(answer.json(), silent=silent, lost=lost)
        return Server(name=name, targets=listed, young=not listed and _is_young(line))

    told = _asked(site, name, names.PORT, "/api/v1/targets?state=active", read)
    return told if isinstance(told, Server) else Server(name=name, trouble=told)


def _is_young(line: Line) -> bool:
    """By its own clock: a container's need not be ours."""
    from datetime import datetime
    from email.utils import parsedate_to_datetime

    answer = line.get("/api/v1/status/runtimeinfo")
    began = datetime.fromisoformat(answer.json()["data"]["startTime"])
    return (parsedate_to_datetime(answer.headers["date"]) - began).total_seconds() < _YOUTH


def _alertmanager(site: Site, name: str) -> Peer:
    def read(answer: Response, _: Line) -> Peer:
        cluster: Mapping[str, Any] = answer.json()["cluster"]
        return Peer(name=name, members=len(cluster["peers"]))

    told = _asked(site, name, names.ALERTS_PORT, "/api/v2/status", read)
    return told if isinstance(told, Peer) else Peer(name=name, trouble=told)


def _grafana(site: Site) -> Peer:
    told = _asked(site, names.GRAFANA, names.PAGES_PORT, "/api/health", lambda *_: Peer(name=names.GRAFANA))
    return told if isinstance(told, Peer) else Peer(name=names.GRAFANA, trouble=told)


def _asked(site: Site, name: str, port: int, path: str, read: Callable[[Response, Line], Any]) -> Any:
    """What ``read`` makes of the answer, or a sentence that says why there is none. ``read`` may go on asking on the same line."""
    try:
        with opened(site.address(name, port), site=site) as line:
            answer = line.get(path)
            if answer.status != _OK:
                return f"{name} is starting" if answer.status == _STARTING else f"{name} says {answer.status}"
            return read(answer, line)
    except OSError:
        return f"{name} does not answer"
    except (ValueError, KeyError, TypeError) as error:
        return f"{name} answers in another way than expected: {error!r}"
