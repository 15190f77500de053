"""The gateway component: implements ``components.contract``. The variables that lead through it belong to the products behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nexusdev.components.contract import Component
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.gateway import names, probe, readiness, status
from nexusdev.interfaces import InstanceAccess

if TYPE_CHECKING:
    from nexusdev.components.drills import Scenario


class Gateway(ComponentDefaults):
    """The HAProxies."""

    name = names.NAME
    title = "Gateway"

    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)

    def __init__(self, components: Mapping[str, Component]) -> None:
        """``components``: whose role names it serves, by name."""
        self._components = components

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        del test_writes  # its readiness needs no test write
        return probe.probe(access, self._components)

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.gateway.scenarios import SCENARIOS

        return SCENARIOS


def create(components: Mapping[str, Component]) -> Component:
    """Return a new component, beside the others of the context."""
    return Gateway(components)
