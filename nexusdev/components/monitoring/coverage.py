"""The share of running services that at least one Prometheus scrapes successfully. Pure."""

from __future__ import annotations

from msgspec import Struct

from nexusdev.components.monitoring.readiness import Facts


class Coverage(Struct, frozen=True, kw_only=True):
    """``services``: those that run and need a target; ``unseen``: those of them without a successful scrape."""

    services: frozenset[str]
    unseen: frozenset[str]

    @property
    def scraped(self) -> int:
        """How many are seen."""
        return len(self.services) - len(self.unseen)

    @property
    def share(self) -> float:
        """From 0 to 1; 0 where nothing runs."""
        return self.scraped / len(self.services) if self.services else 0.0


def coverage(facts: Facts) -> Coverage:
    """Count."""
    services = facts.running - facts.unscraped
    seen = {name for server in facts.servers for target in server.targets if target.is_up for name in target.about}
    return Coverage(services=services, unseen=services - seen)
