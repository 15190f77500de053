"""The monitoring component: implements ``components.contract``. It keeps no application's data: nothing to seed, nothing to rotate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.components.capabilities import Alarms, ImageCheck, MetricsClient
from nexusdev.components.contract import Component, GatewayRole, Link, Proof
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.monitoring import corruption, names, probe, quick_proof, readiness, status
from nexusdev.components.monitoring import variables as published
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.losses import Holding
from nexusdev.stack.model import Service

if TYPE_CHECKING:
    from nexusdev.components.drills import ProductLoad, Scenario

# Group → the data that a server of the group loses with its volume.
_LOST = {
    names.PROMETHEUS: "its history; the other Prometheus keeps its own",
    names.ALERTMANAGER: "its silences; it syncs them from the other Alertmanager",
    names.GRAFANA: "manual changes in Grafana",
}


class Monitoring(ComponentDefaults):
    """Prometheus, Alertmanager, and Grafana if its image is available."""

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
        GatewayRole(name=names.PROMETHEUS, backend="prometheus"),
        GatewayRole(name=names.ALERTMANAGER, backend="alertmanager"),
    )

    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    variables = staticmethod(published.variables)
    endpoints = staticmethod(quick_proof.endpoints)
    explain = staticmethod(corruption.explain)

    def __init__(self, components: Mapping[str, Component]) -> None:
        """``components``: whose servers it monitors, by name."""
        self._components = components

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        del test_writes  # its readiness needs no test write
        return probe.probe(access, self._components)

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

    def holdings(self) -> Sequence[Holding]:
        return (
            Holding(group="prometheus", what="the history of each Prometheus"),
            Holding(group="alertmanager", what="the silences", enough=1),
            Holding(group="grafana", what="manual changes in Grafana"),
        )

    def data_loss(self, service: Service) -> str:
        return _LOST.get(service.group, "")

    def metrics_client(self, access: InstanceAccess, *, timeout: float) -> MetricsClient:
        from nexusdev.components.monitoring.client import Prometheus

        return Prometheus(access=access, timeout=timeout)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.monitoring.proof import prove

        return prove(access, values)

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.monitoring.scenarios import SCENARIOS

        return SCENARIOS

    def load(self) -> ProductLoad:
        from nexusdev.components.monitoring.load import MonitoringLoad

        return MonitoringLoad()


def create(components: Mapping[str, Component]) -> Component:
    """Return a new component, beside the others of the context."""
    return Monitoring(components)
