"""The gateway as the engine sees it. The variables that lead through it belong to the products behind it."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Component, Node, Readiness
from nexusdev.components.gateway import readiness
from nexusdev.components.quiet import Quiet
from nexusdev.ports import Site


class Gateway(Quiet):
    """Two HAProxies."""

    name = "gateway"
    title = "Gateway"

    def look(self, site: Site) -> readiness.Facts:
        return readiness.look(site)

    def judge(self, facts: readiness.Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: readiness.Facts) -> Sequence[Node]:
        return readiness.nodes(facts)


COMPONENT: Component = Gateway()
