"""Monitoring's variables for applications: the URLs of its pages and APIs."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Variable
from nexusdev.components.monitoring import names
from nexusdev.interfaces import InstanceAccess, View

_PLACES = {
    "PROMETHEUS_URL": (names.PROMETHEUS, names.PORT),
    "ALERTMANAGER_URL": (names.ALERTMANAGER, names.ALERTS_PORT),
    "GRAFANA_URL": (names.GRAFANA, names.PAGES_PORT),
}


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Return the URLs. Grafana's is left out if its container does not exist: its image may be unavailable."""
    existing = access.runtime.observe().services
    return tuple(
        Variable(name=variable, value=f"https://{access.address_in(view, name, port)}")
        for variable, (name, port) in _PLACES.items()
        if name != names.GRAFANA or name in existing
    )
