"""Which alerts fire: who is asked, in which order, and how the answers are read."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.capabilities import Alarms, Alert, AlertSource
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.monitoring import alerts
from nexusdev.interfaces import Address, InstanceAccess
from tests.access import instance_access
from tests.unit.env.servers import authority, http, serving

COMPONENT = ComponentSet()["monitoring"]

LABELS = {"alertname": "RedisReplicaDown", "component": "redis", "severity": "warning", "instance": "redis-1"}
NOTES = {"summary": "redis-1 does not follow the master", "runbook": "docs/runbooks.md#redisreplicadown"}
ALERT = Alert(
    name="RedisReplicaDown",
    component="redis",
    severity="warning",
    instance="redis-1",
    summary="redis-1 does not follow the master",
    runbook="docs/runbooks.md#redisreplicadown",
    since=1_700_000_000.0,
)


def of_alertmanager(state: str = "active", **labels: str) -> Mapping[str, Any]:
    return {
        "labels": {**LABELS, **labels},
        "annotations": NOTES,
        "startsAt": "2023-11-14T22:13:20.123456789Z",
        "status": {"state": state},
    }


def of_prometheus(state: str = "firing") -> Mapping[str, Any]:
    return {"labels": LABELS, "annotations": NOTES, "activeAt": "2023-11-14T22:13:20Z", "state": state, "value": "1"}


ALERTMANAGER = json.dumps([of_alertmanager()])
PROMETHEUS = json.dumps({"status": "success", "data": {"alerts": [of_prometheus(), of_prometheus("pending")]}})


def access(tls: Path, ports: Mapping[tuple[str, int], int]) -> InstanceAccess:
    return instance_access(
        tls,
        addresses={place: Address(host="localhost", port=port) for place, port in ports.items()},
    )


def asked(folder: Path, bodies: Mapping[tuple[str, int], tuple[str, str]]) -> Alarms:
    """What is found where these servers say this; a server that says nothing is not there."""
    tls = authority(folder / "tls")
    with ExitStack() as servers:
        ports = {
            place: servers.enter_context(serving(tls, http(body, status))) if status else free_port()
            for place, (body, status) in bodies.items()
        }
        return alerts.fetch_alerts(access(tls, ports), patience=5.0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


OK, GONE = "200 OK", ""


def test_alertmanager_is_asked_first(tmp_path: Path) -> None:
    found = asked(tmp_path, {("alertmanager", 9093): (ALERTMANAGER, OK), ("prometheus", 9090): ("", GONE)})
    assert found == Alarms(alerts=(ALERT,))


@pytest.mark.parametrize("first", [("", GONE), ("", "503 Service Unavailable"), ("{}", OK), ("<html>", OK)])
def test_another_server_is_asked_if_the_first_alertmanager_fails(tmp_path: Path, first: tuple[str, str]) -> None:
    bodies = {("alertmanager", 9093): first, ("alertmanager-1", 9093): (ALERTMANAGER, OK)}
    assert [each.name for each in asked(tmp_path / "a", bodies).alerts] == ["RedisReplicaDown"]
    bodies = {("alertmanager", 9093): first, ("prometheus-0", 9090): (PROMETHEUS, OK)}
    assert asked(tmp_path / "b", bodies) == Alarms(alerts=(ALERT,))


def test_unreachable_servers_are_a_fact_within_the_timeout(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        ports = {("alertmanager", 9093): deaf.getsockname()[1], ("prometheus", 9090): deaf.getsockname()[1]}
        began = time.monotonic()
        found = alerts.fetch_alerts(access(tls, ports), patience=0.2)
    assert found.trouble == "alertmanager and prometheus do not answer"
    assert time.monotonic() - began < 5


def test_silenced_and_pending_alerts_do_not_fire() -> None:
    reply = [of_alertmanager("suppressed"), of_alertmanager("unprocessed"), of_alertmanager(alertname="B")]
    assert [each.name for each in alerts.of_alertmanager(reply)] == ["RedisReplicaDown", "B"]
    assert len(list(alerts.of_prometheus(json.loads(PROMETHEUS)))) == 1


def test_missing_alert_fields_are_empty() -> None:
    [bare] = alerts.of_alertmanager([{"labels": {"alertname": "X"}, "status": {"state": "active"}, "startsAt": "soon"}])
    assert bare == Alert(name="X", component="")


def test_alerts_are_sorted_by_component_severity_and_age() -> None:
    several = [
        Alert(name="d", component="redis", severity="warning", since=1),
        Alert(name="c", component="redis", severity="critical", since=9),
        Alert(name="b", component="redis", severity="critical", since=2),
        Alert(name="a", component="minio", severity="odd"),
    ]
    assert [each.name for each in alerts.in_order(several)] == ["a", "b", "c", "d"]


def test_monitoring_provides_the_alerts() -> None:
    assert isinstance(COMPONENT, AlertSource)
