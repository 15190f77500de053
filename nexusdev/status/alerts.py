"""Queries the component that implements ``AlertSource`` for firing alerts and for its coverage of the running services.

The query runs in parallel with the probes of the components and has a short timeout, so that it does not delay ``status``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from functools import partial

from msgspec import Struct, field

from nexusdev.components.capabilities import Alarms, AlertSource
from nexusdev.components.contract import Component
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Observation
from nexusdev.status.probes import BackgroundCall, ComponentStatus

#: Seconds since the request was sent.
PATIENCE = 0.45


class AlertQuery(Struct, kw_only=True):
    """A running query for alerts.

    Attributes:
        source: The queried component; None if no monitoring runs.
    """

    source: AlertSource | None = None
    name: str = ""
    _answer: BackgroundCall[Alarms] | None = None
    _began: float = field(default_factory=time.monotonic)

    @property
    def alarms(self) -> Alarms:
        """The result of the query, or a note that it timed out."""
        if self._answer is None:
            return Alarms()
        try:
            return self._answer.result(max(self._began + PATIENCE - time.monotonic(), 0.0))
        except TimeoutError:
            return Alarms(trouble=f"{self.name} timed out")

    def coverage(self, seen: Mapping[str, ComponentStatus]) -> Mapping[str, float] | None:
        """Return the monitoring coverage of the running services; None without monitoring."""
        return self.source.coverage(seen[self.name].facts) if self.source else None


def query(components: Collection[Component], access: InstanceAccess, observation: Observation) -> AlertQuery:
    """Start the query for alerts if a service of the monitoring runs."""
    for each in components:
        if isinstance(each, AlertSource) and each.name in observation.running_components:
            return AlertQuery(
                source=each,
                name=each.name,
                _answer=BackgroundCall(partial(each.alarms, access), name=f"alerts-{each.name}"),
            )
    return AlertQuery()
