"""The drills of monitoring: two Prometheus servers and two Alertmanagers, each behind the gateway."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.components.monitoring.names import ALERTMANAGER, PROMETHEUS
from nexusdev.faults import Fault

_SECOND = ClientGoal(read_gap=4.0)

SCENARIOS = (
    Scenario(
        name="prometheus-kill",
        hypothesis="The other server answers queries.",
        fault=Fault.KILL,
        victim=Victim(group=PROMETHEUS),
        clients={"monitoring.query": _SECOND},
    ),
    Scenario(
        name="alertmanager-kill",
        hypothesis="The other Alertmanager answers.",
        fault=Fault.KILL,
        victim=Victim(group=ALERTMANAGER),
        clients={"monitoring.alerts": _SECOND},
    ),
)
