"""Asks every Prometheus for its targets, and every Alertmanager for its peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from nexusdev.components.contract import Component
from nexusdev.components.https_connection import HttpsConnection, Response, connect
from nexusdev.components.monitoring import names, targets
from nexusdev.components.monitoring.readiness import Facts, Peer, PrometheusServer
from nexusdev.components.monitoring.targets import DeclaredTargets
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together

_OK, _STARTING = 200, 503
# Seconds after its start in which Prometheus may have no targets: three intervals of its service discovery.
_YOUTH = 15.0


def probe(access: InstanceAccess, components: Mapping[str, Component]) -> Facts:
    """Ask all of them at once, and the runtime for what exists. ``components``: those that may be scraped, by name."""
    declared = targets.declared(components, access.topology)
    servers, alertmanagers = names.servers(access), names.alertmanagers(access)
    services = access.observe().services
    asked: dict[str, Callable[[], Any]] = {
        **{name: partial(_server, access, name, declared) for name in servers},
        **{name: partial(_alertmanager, access, name) for name in alertmanagers},
    }
    if names.GRAFANA in services:
        asked[names.GRAFANA] = partial(_grafana, access)
    reply = together(asked)
    return Facts(
        servers=tuple(reply[name] for name in servers),
        alertmanagers=tuple(reply[name] for name in alertmanagers),
        grafana=reply.get(names.GRAFANA),
        services=frozenset(services),
        running=frozenset(name for name, each in services.items() if each.runs),
        unscraped=declared.unscraped,
    )


def _server(access: InstanceAccess, name: str, declared: DeclaredTargets) -> PrometheusServer:
    def read(answer: Response, line: HttpsConnection) -> PrometheusServer:
        marks = line.get(_question(declared)).json()
        silent, lost = (targets.keys(marks, mark) for mark in ("silent", "lost"))
        listed = targets.parse(answer.json(), declared, silent=silent, lost=lost)
        return PrometheusServer(name=name, targets=listed, young=not listed and _is_young(line))

    reply = _asked(access, name, names.PORT, "/api/v1/targets?state=active", read)
    return reply if isinstance(reply, PrometheusServer) else PrometheusServer(name=name, trouble=reply)


def _question(declared: DeclaredTargets) -> str:
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
    """Return what ``read`` returns for the reply, or a sentence that says why there is none. ``read`` may send more requests."""
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
