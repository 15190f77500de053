"""A component that keeps nothing of its own: the promises of the contract that it keeps by doing nothing."""

# ruff: noqa: ARG002 - the arguments are the contract's

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nexusdev.components.contract import Change, Client, Credentials, Proof, SeedFile, Variable
from nexusdev.interfaces import InstanceAccess, View


class ComponentDefaults:
    """To be inherited by what has no data, no users and no client; whoever has one of them says so by its own method."""

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

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        """Without variables there is nothing to prove."""
        return ()

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        """There is no application's password."""
        return ()

    def client(self, arguments: Sequence[str]) -> Client | None:
        """None."""
        return None
