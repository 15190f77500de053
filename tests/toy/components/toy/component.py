"""The Toy component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Change, Component, Credentials, Link, Proof
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.interfaces import InstanceAccess
from tests.toy.components.toy import names, probe, quick_proof, readiness, status
from tests.toy.components.toy import variables as published


class Toy(ComponentDefaults):
    """One server with one value."""

    name = names.NAME
    title = "Toy"
    links = (Link(name="toy", variable="TOY_URL", path="/health"),)

    probe = staticmethod(probe.probe)
    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    variables = staticmethod(published.variables)
    endpoints = staticmethod(quick_proof.endpoints)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from tests.toy.components.toy.seed import seed

        return seed(access)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from tests.toy.components.toy.proof import prove

        return prove(access, values)


def create(components: Mapping[str, Component]) -> Component:  # noqa: ARG001 - the signature of every component
    """Return a new component."""
    return Toy()
