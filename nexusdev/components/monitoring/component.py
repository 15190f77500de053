"""Monitoring as the engine sees it. It keeps no application's data: nothing to seed, nothing to rotate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev.components.contract import Alarms, Component, Diagnosis, Node, Proof, Readiness, Trial, Variable
from nexusdev.components.monitoring import names, readiness
from nexusdev.components.quiet import Quiet
from nexusdev.plan.losses import Holding
from nexusdev.ports import Site, View
from nexusdev.stack.model import Service

_PLACES = {
    "PROMETHEUS_URL": (names.PROMETHEUS, names.PORT),
    "ALERTMANAGER_URL": (names.ALERTMANAGER, names.ALERTS_PORT),
    "GRAFANA_URL": (names.GRAFANA, names.PAGES_PORT),
}

# What each server has that is gone with its volume.
_LOST = {
    **dict.fromkeys(names.PROMETHEUSES, "its history; the other one keeps its own"),
    **dict.fromkeys(names.ALERTMANAGERS, "its silences; it takes those of the other one"),
    names.GRAFANA: "what was changed in it by hand",
}


class Monitoring(Quiet):
    """Two Prometheus, two Alertmanagers, Grafana where its image can be had."""

    name = names.NAME
    title = "Monitoring"

    def look(self, site: Site) -> readiness.Facts:
        return readiness.look(site)

    def judge(self, facts: readiness.Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: readiness.Facts) -> Sequence[Node]:
        return readiness.nodes(facts)

    def alarms(self, site: Site) -> Alarms:
        from nexusdev.components.monitoring.alerts import look

        return look(site)

    def coverage(self, facts: readiness.Facts | None) -> Mapping[str, float]:
        from nexusdev.components.monitoring.coverage import coverage

        found = coverage(facts or readiness.Facts())
        return {"services": len(found.services), "scraped": found.scraped, "coverage": found.share}

    def files(self, services: Sequence[Service]) -> Sequence[Path]:
        from nexusdev.components.monitoring import files

        return (*files.rules(services).values(), *files.dashboards(services).values())

    def check(self, services: Sequence[Service]) -> None:
        from nexusdev.components.monitoring.files import check

        check(services)

    def trials(self, services: Sequence[Service]) -> Sequence[Trial]:
        from nexusdev.components.monitoring.files import trials

        return trials(services)

    def explain(self, service: str, log: Sequence[str]) -> Diagnosis | None:
        from nexusdev.components.monitoring.corruption import explain

        return explain(service, log)

    def holdings(self) -> Sequence[Holding]:
        return (
            Holding(group="prometheus", what="the history of each Prometheus"),
            Holding(group="alertmanager", what="the silences", enough=1),
            Holding(group="grafana", what="what was changed in Grafana by hand"),
        )

    def loses(self, service: str) -> str:
        return _LOST.get(service, "")

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        """Grafana only where it is there: its image may be one that cannot be had."""
        there = site.runtime.observe().containers
        return tuple(
            Variable(name=variable, value=f"https://{site.address_in(view, name, port)}")
            for variable, (name, port) in _PLACES.items()
            if name != names.GRAFANA or name in there
        )

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.monitoring.proof import prove

        return prove(site, values)


COMPONENT: Component = Monitoring()
