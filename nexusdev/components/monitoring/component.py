"""The monitoring component: implements ``components.contract``. It keeps no application's data: nothing to seed, nothing to rotate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nexusdev.components.contract import (
    Alarms,
    Component,
    Diagnosis,
    GatewayRole,
    ImageCheck,
    Link,
    Proof,
    Readiness,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.monitoring import names, readiness
from nexusdev.components.registry import ALL
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.stack.model import Service
from nexusdev.wire.endpoint import PublishedEndpoint

_PLACES = {
    "PROMETHEUS_URL": (names.PROMETHEUS, names.PORT),
    "ALERTMANAGER_URL": (names.ALERTMANAGER, names.ALERTS_PORT),
    "GRAFANA_URL": (names.GRAFANA, names.PAGES_PORT),
}

# What each server has that is gone with its volume.
_LOST = {
    **dict.fromkeys(names.PROMETHEUSES, "its history; the other Prometheus keeps its own"),
    **dict.fromkeys(names.ALERTMANAGERS, "its silences; it syncs them from the other Alertmanager"),
    names.GRAFANA: "manual changes in Grafana",
}


class Monitoring(ComponentDefaults):
    """Two Prometheus, two Alertmanagers, Grafana where its image can be had."""

    name = names.NAME
    title = "Monitoring"
    requires = ("gateway",)
    links = (
        Link(name="prometheus", variable="PROMETHEUS_URL", path="/"),
        Link(
            name="alertmanager", variable="ALERTMANAGER_URL", path="/", role=names.ALERTMANAGER, port=names.ALERTS_PORT
        ),
        Link(name="grafana", variable="GRAFANA_URL", path="/"),
    )
    gateway_roles = (
        GatewayRole(proxy="gateway-ro", name=names.PROMETHEUS, backend="prometheus"),
        GatewayRole(proxy="gateway-ro", name=names.ALERTMANAGER, backend="alertmanager"),
    )

    def __init__(self, components: Mapping[str, Component] = ALL) -> None:
        """``components``: whose servers it watches."""
        self._components = components

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        del test_writes  # its readiness asks for no write
        return readiness.probe(access, self._components)

    def assess(self, facts: readiness.Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: readiness.Facts) -> Sequence[ServiceStatus]:
        return readiness.statuses(facts)

    def alarms(self, access: InstanceAccess) -> Alarms:
        from nexusdev.components.monitoring.alerts import fetch_alerts

        return fetch_alerts(access)

    def coverage(self, facts: readiness.Facts | None) -> Mapping[str, float]:
        from nexusdev.components.monitoring.coverage import coverage

        found = coverage(facts or readiness.Facts())
        return {"services": len(found.services), "scraped": found.scraped, "coverage": found.share}

    def files(self, services: Sequence[Service]) -> Sequence[Path]:
        from nexusdev.components.monitoring import config_files

        return (*config_files.rules(services).values(), *config_files.dashboards(services).values())

    def check(self, services: Sequence[Service]) -> None:
        from nexusdev.components.monitoring.config_files import check

        check(services)

    def image_checks(self, services: Sequence[Service]) -> Sequence[ImageCheck]:
        from nexusdev.components.monitoring.config_files import image_checks

        return image_checks(services)

    def explain(self, service: str, log: Sequence[str]) -> Diagnosis | None:
        from nexusdev.components.monitoring.corruption import explain

        return explain(service, log)

    def holdings(self) -> Sequence[Holding]:
        return (
            Holding(group="prometheus", what="the history of each Prometheus"),
            Holding(group="alertmanager", what="the silences", enough=1),
            Holding(group="grafana", what="manual changes in Grafana"),
        )

    def data_loss(self, service: str) -> str:
        return _LOST.get(service, "")

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        """Grafana only where it is there: its image may be one that cannot be had."""
        existing = access.runtime.observe().services
        return tuple(
            Variable(name=variable, value=f"https://{access.address_in(view, name, port)}")
            for variable, (name, port) in _PLACES.items()
            if name != names.GRAFANA or name in existing
        )

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        from nexusdev.components.monitoring.quick_proof import endpoints

        return endpoints(values)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.monitoring.proof import prove

        return prove(access, values)


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Monitoring()
