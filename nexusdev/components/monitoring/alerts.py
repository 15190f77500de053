"""Reads the firing alerts from Alertmanager, by the gateway or directly; from Prometheus if none answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from nexusdev.components.capabilities import Alarms, Alert
from nexusdev.components.https_connection import get
from nexusdev.components.monitoring import names
from nexusdev.interfaces import Address, InstanceAccess

PATIENCE = 0.4
_SEVERITIES = ("critical", "warning", "info")
_OK = 200


class _Kind(Struct, frozen=True, kw_only=True):
    """A server that knows the alerts: its role, which is its group too, where it is asked, and how its answer is read."""

    role: str
    port: int
    path: str
    parse: Callable[[Any], Iterator[Alert]]


def fetch_alerts(access: InstanceAccess, *, patience: float = PATIENCE) -> Alarms:
    """Ask Alertmanager, then Prometheus, by role name and then each server, until one answers.

    Args:
        access: The instance.
        patience: Seconds for all of it together.

    Returns:
        The firing alerts; with ``trouble`` if no server answered.
    """
    until = time.monotonic() + patience
    for kind in _KINDS:
        for address in _places(access, kind):
            left = until - time.monotonic()
            alerts = _asked(kind, address, access, left) if left > 0 else None
            if alerts is not None:
                return Alarms(alerts=in_order(alerts))
    return Alarms(trouble=f"{' and '.join(kind.role for kind in _KINDS)} do not answer")


def _places(access: InstanceAccess, kind: _Kind) -> list[Address]:
    """The role's address, then those of its servers."""
    servers = access.topology.members(names.NAME, kind.role)
    found = (access.addresses.get((name, kind.port)) for name in (kind.role, *servers))
    return list(dict.fromkeys(each for each in found if each))


def _asked(kind: _Kind, address: Address, access: InstanceAccess, timeout: float) -> list[Alert] | None:
    """Return its alerts; None if it does not answer, or not in the expected form."""
    try:
        answer = get(address, kind.path, access=access, timeout=timeout)
        return list(kind.parse(answer.json())) if answer.status == _OK else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def of_alertmanager(reply: Sequence[Mapping[str, Any]]) -> Iterator[Alert]:
    """The reply of ``/api/v2/alerts``. What is silenced or inhibited does not fire."""
    if not isinstance(reply, list):
        raise TypeError("a list of alerts was expected")
    for each in reply:
        if each["status"]["state"] != "suppressed":
            yield _alert(each, since=each.get("startsAt", ""))


def of_prometheus(reply: Mapping[str, Any]) -> Iterator[Alert]:
    """The reply of ``/api/v1/alerts``. What is pending does not fire yet."""
    for each in reply["data"]["alerts"]:
        if each["state"] == "firing":
            yield _alert(each, since=each.get("activeAt", ""))


def _alert(reply: Mapping[str, Any], *, since: str) -> Alert:
    labels, notes = reply["labels"], reply.get("annotations") or {}
    return Alert(
        name=labels["alertname"],
        component=labels.get("component", ""),
        severity=labels.get("severity", ""),
        instance=labels.get("instance", ""),
        summary=notes.get("summary", ""),
        runbook=notes.get("runbook") or notes.get("runbook_url", ""),
        since=_moment(since),
    )


def _moment(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time with up to nine digits behind the second; 0.0 for what is none."""
    head, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789")
    try:
        return datetime.fromisoformat(head + zone).timestamp() if rest else datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def in_order(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """By component, what is worst and oldest first."""
    return tuple(sorted(alerts, key=lambda each: (each.component, _rank(each.severity), each.since, each.name)))


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


_KINDS = (
    _Kind(
        role=names.ALERTMANAGER,
        port=names.ALERTS_PORT,
        path="/api/v2/alerts?active=true&silenced=false&inhibited=false",
        parse=of_alertmanager,
    ),
    _Kind(role=names.PROMETHEUS, port=names.PORT, path="/api/v1/alerts", parse=of_prometheus),
)
