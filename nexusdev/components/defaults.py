"""Default implementations of the component contract: all members except ``probe`` and ``assess``."""

# ruff: noqa: ARG002 - the arguments are the contract's

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from nexusdev.components.contract import (
    Change,
    Client,
    Condition,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    ScrapeTargets,
    SeedFile,
    Variable,
)
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.wire.endpoint import PublishedEndpoint


class ComponentDefaults:
    """To be inherited. A component overrides what it has of its own: data, users, variables, pages, a client."""

    requires: Sequence[str] = ()
    links: Sequence[Link] = ()
    gateway_roles: Sequence[GatewayRole] = ()
    scrape_targets: ScrapeTargets = ScrapeTargets()
    conditions: Mapping[str, Condition] = MappingProxyType({})

    def prepare(self, access: InstanceAccess, facts: Any) -> None:
        """Its readiness needs nothing from outside."""

    def credentials(self, access: InstanceAccess) -> Credentials:
        """No application logs in."""
        return {}

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """There is nothing to bring in order."""
        return ()

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        """A project has nothing to put here."""
        return ()

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        """Applications read nothing of it."""
        return ()

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        """Without variables there is nothing to ask."""
        return ()

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        """Without variables there is nothing to prove."""
        return ()

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        """There is no application's password."""
        return ()

    def client(self, arguments: Sequence[str]) -> Client | None:
        """None."""
        return None
