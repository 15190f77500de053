"""Defaults for every member of the contract except the name, the title, and how a component is probed and assessed."""

# ruff: noqa: ARG002 - the protocol defines the arguments

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
    """Base class of components. A component overrides the members that its product needs."""

    requires: Sequence[str] = ()
    links: Sequence[Link] = ()
    gateway_roles: Sequence[GatewayRole] = ()
    scrape_targets: ScrapeTargets = ScrapeTargets()
    conditions: Mapping[str, Condition] = MappingProxyType({})

    def prepare(self, access: InstanceAccess, facts: Any) -> None:
        """Do nothing: the servers become ready on their own."""

    def credentials(self, access: InstanceAccess) -> Credentials:
        """Return none: no application logs in."""
        return {}

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Change nothing: there is nothing to create."""
        return ()

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        """Change nothing: the component has no seed files."""
        return ()

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        """Return none: applications do not use it directly."""
        return ()

    def client_files(self, access: InstanceAccess, view: View, *, application: bool = False) -> Mapping[str, str]:
        """Return none: the variables need no file."""
        return {}

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        """Return none: there are no variables."""
        return ()

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        """Return none: there are no variables."""
        return ()

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        """Change nothing: applications have no password."""
        return ()

    def client(self, arguments: Sequence[str]) -> Client | None:
        """Return None: there is no client."""
        return None
