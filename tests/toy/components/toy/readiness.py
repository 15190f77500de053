"""Readiness of Toy: every server answers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.util.humanize import join_names


class Facts(Struct, frozen=True, kw_only=True):
    """What the probe saw.

    Attributes:
        servers: Server → whether it works.
    """

    servers: Mapping[str, bool]


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure."""
    if down := [name for name, healthy in facts.servers.items() if not healthy]:
        return Readiness(missing=f"{join_names(down)} {'does' if len(down) == 1 else 'do'} not answer")
    return Readiness()
