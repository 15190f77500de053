"""Monitoring as the engine sees it. It keeps no application's data: nothing to seed, nothing to rotate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Alarms, Component, Node, Proof, Readiness, Variable
from nexusdev.components.monitoring import alerts, readiness
from nexusdev.components.monitoring.readiness import PORT, SERVICE
from nexusdev.components.quiet import Quiet
from nexusdev.ports import Site, View


class Monitoring(Quiet):
    """Prometheus."""

    name = "monitoring"
    title = "Monitoring"

    def look(self, site: Site) -> readiness.Facts:
        return readiness.look(site)

    def judge(self, facts: readiness.Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: readiness.Facts) -> Sequence[Node]:
        return readiness.nodes(facts)

    def alarms(self, site: Site) -> Alarms:
        return alerts.look(site)

    def coverage(self, facts: readiness.Facts) -> Mapping[str, float]:
        services = facts.services
        scraped = services & {each.instance for each in facts.targets if each.health == "up"}
        share = len(scraped) / len(services) if services else 0.0
        return {"services": len(services), "scraped": len(scraped), "coverage": share}

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        return (Variable(name="PROMETHEUS_URL", value=f"https://{site.address_in(view, SERVICE, PORT)}"),)

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.monitoring.proof import prove

        return prove(site, values)


COMPONENT: Component = Monitoring()
