"""The gateway component: implements ``components.contract``. The variables that lead through it belong to the products behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Component, Readiness, ServiceStatus
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.gateway import readiness
from nexusdev.components.registry import ALL
from nexusdev.interfaces import InstanceAccess


class Gateway(ComponentDefaults):
    """Two HAProxies."""

    name = "gateway"
    title = "Gateway"

    def __init__(self, components: Mapping[str, Component] = ALL) -> None:
        """``components``: whose role names it has."""
        self._components = components

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        del test_writes  # its readiness asks for no write
        return readiness.probe(access, self._components)

    def assess(self, facts: readiness.Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: readiness.Facts) -> Sequence[ServiceStatus]:
        return readiness.statuses(facts)


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Gateway()
