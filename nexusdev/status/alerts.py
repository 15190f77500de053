"""What the component that watches the others tells in ``status``: the alerts that fire, and how much of what runs it sees.

It is asked while the components are looked at, and nobody waits for it long: a status without alerts comes as quickly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from nexusdev.components.contract import Alarms, Alert, AlertSource, Component
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Observation
from nexusdev.results import OutputBlock, Style, Table, Text
from nexusdev.status.probes import BackgroundCall, ComponentStatus
from nexusdev.util.humanize import duration

#: Seconds from the question on.
PATIENCE = 0.45
_STYLES: Mapping[str, Style] = {"critical": "bad", "warning": "warn"}


class AlertQuery(Struct, kw_only=True):
    """A question for alerts that is on its way. ``source``: who is asked, None where nobody watches in this run."""

    source: AlertSource | None = None
    name: str = ""
    _answer: BackgroundCall[Alarms] | None = None
    _began: float = field(default_factory=time.monotonic)

    @property
    def alarms(self) -> Alarms:
        """The answer, or that there is none in time."""
        if self._answer is None:
            return Alarms()
        try:
            return self._answer.result(max(self._began + PATIENCE - time.monotonic(), 0.0))
        except TimeoutError:
            return Alarms(trouble=f"{self.name} does not answer in time")

    def coverage(self, seen: Mapping[str, ComponentStatus]) -> Mapping[str, float] | None:
        """How much of what runs is seen; None where nobody watches."""
        return self.source.coverage(seen[self.name].facts) if self.source else None


def query(components: Collection[Component], access: InstanceAccess, observation: Observation) -> AlertQuery:
    """Send the question to whoever watches, if a service of it runs."""
    for each in components:
        if isinstance(each, AlertSource) and each.name in observation.running_components:
            return AlertQuery(source=each, name=each.name, _answer=BackgroundCall(partial(each.alarms, access)))
    return AlertQuery()


def data(alarms: Alarms) -> list[dict[str, Any]]:
    """The alerts for programs; ``since`` in seconds since the epoch."""
    return [asdict(alert) for alert in alarms.alerts]


def output(alarms: Alarms, components: Sequence[str], *, now: Callable[[], float]) -> list[OutputBlock]:
    """The alerts by their component, in the order of ``components``; nothing where none fires."""
    if not alarms.alerts:
        return []
    alerts = sorted(alarms.alerts, key=lambda each: _place(each, components))
    heads = [
        ("" if before and before.component == alert.component else alert.component)
        for before, alert in zip((None, *alerts), alerts, strict=False)
    ]
    at = now()
    rows = tuple((head, _cell(alert, at)) for head, alert in zip(heads, alerts, strict=True))
    return ["", Table(columns=("component", "alerts that fire"), rows=rows)]


def _place(alert: Alert, components: Sequence[str]) -> int:
    return components.index(alert.component) if alert.component in components else len(components)


def _cell(alert: Alert, now: float) -> Text:
    """``PostgresReplicaDown: critical, postgresql-1, for 40 s``, then what it means and where to read on."""
    circumstances = [
        alert.severity,
        alert.instance,
        f"for {duration(max(now - alert.since, 0.0))}" if alert.since else "",
    ]
    head = f"{alert.name}: {', '.join(each for each in circumstances if each)}"
    lines = [head, *(f"  {each}" for each in (alert.summary, alert.runbook) if each)]
    return Text("\n".join(lines), _STYLES.get(alert.severity, "plain"))
