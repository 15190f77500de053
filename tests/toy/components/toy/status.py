"""The rows of Toy in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from tests.toy.components.toy.readiness import Facts


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per server."""
    return tuple(
        ServiceStatus(service=name, role="server", state="running" if healthy else "down", ok=healthy)
        for name, healthy in facts.servers.items()
    )
