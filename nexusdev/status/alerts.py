"""Asks the component that implements ``AlertSource`` for firing alerts and for its coverage of what runs.

It is asked while the components are looked at, and nobody waits for it long: a status without alerts comes as quickly.
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
            return Alarms(trouble=f"{self.name} timed out")

    def coverage(self, seen: Mapping[str, ComponentStatus]) -> Mapping[str, float] | None:
        """How much of what runs is seen; None where nobody watches."""
        return self.source.coverage(seen[self.name].facts) if self.source else None


def query(components: Collection[Component], access: InstanceAccess, observation: Observation) -> AlertQuery:
    """Send the question to whoever watches, if a service of it runs."""
    for each in components:
        if isinstance(each, AlertSource) and each.name in observation.running_components:
            return AlertQuery(
                source=each,
                name=each.name,
                _answer=BackgroundCall(partial(each.alarms, access), name=f"alerts-{each.name}"),
            )
    return AlertQuery()
