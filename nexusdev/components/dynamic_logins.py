"""Logins that Vault issues for a limited time: what a database needs for them, and what a secrets engine does with that.

A database implements ``HasDynamicLogins`` and a secrets engine ``IssuesDynamicLogins``. Neither imports the other: ``deploy.connect`` brings them
together when both are seeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from nexusdev.components.contract import Change, Consumer, Variable
from nexusdev.interfaces import InstanceAccess, View


class DynamicRole(Struct, frozen=True, kw_only=True):
    """A kind of login that is issued on request.

    Its statements contain the placeholders of Vault: ``{{name}}``, ``{{password}}``, ``{{expiration}}``.

    Attributes:
        name: The name that is asked for: ``nexus-app``.
        consumer: Who may ask for it.
        create: The statements that create a login.
        revoke: The statements that end its sessions and remove it.
    """

    name: str
    consumer: Consumer
    create: tuple[str, ...]
    revoke: tuple[str, ...]


class DynamicLogins(Struct, frozen=True, kw_only=True):
    """How logins of a database are issued.

    Attributes:
        plugin: The plugin of Vault for this database.
        user: The user that creates logins and drops them.
        url: The URL of the database inside the network, with the placeholders ``{{username}}`` and ``{{password}}``.
        roles: The kinds of logins.
        published: The names of the roles whose logins the variables contain.
    """

    plugin: str
    user: str
    url: str
    roles: tuple[DynamicRole, ...]
    published: tuple[str, ...]


class IssuedLogin(Struct, frozen=True, kw_only=True):
    """One login that was issued.

    Attributes:
        role: The name of its ``DynamicRole``.
        user: Its name in the database.
        password: Its password.
        lease: By which it is renewed and revoked.
        token: The token that asked for it.
        seconds: How long it is valid.
    """

    role: str
    user: str
    password: str
    lease: str
    token: str
    seconds: float


@runtime_checkable
class HasDynamicLogins(Protocol):
    """A component whose logins can be issued for a limited time."""

    name: str

    def dynamic_logins(self) -> DynamicLogins:
        """Return how its logins are issued. Pure."""

    def set_issuer_password(self, access: InstanceAccess, password: str) -> None:
        """Set the password of the user that creates logins.

        Raises:
            SeedingFailed: The server does not answer or rejects the change.
        """

    def dynamic_variables(
        self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin], *, folder: str = ""
    ) -> Sequence[Variable]:
        """Return the variables with the issued logins in place of the permanent ones.

        Args:
            access: The instance.
            view: From where they are used.
            issued: One login per role; the permanent login stays where there is none.
            folder: Where ``dynamic_files`` are; '' to leave out the variables that need them.
        """

    def dynamic_files(self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin]) -> Mapping[str, str]:
        """Return the files that these variables name: name → content."""


@runtime_checkable
class IssuesDynamicLogins(Protocol):
    """A component that issues logins of other components, renews and revokes them."""

    name: str

    def connect_database(self, access: InstanceAccess, name: str, database: HasDynamicLogins) -> Sequence[Change]:
        """Prepare the issuing of logins of this database. Idempotent.

        Args:
            access: The instance.
            name: The name of the database's component.
            database: The component.

        Raises:
            SeedingFailed: A server does not answer or rejects a change.
        """

    def issue(self, access: InstanceAccess, roles: Sequence[DynamicRole]) -> Mapping[str, IssuedLogin]:
        """Return a new login for each of these roles.

        Raises:
            Degraded: A server does not answer, or it cannot issue logins.
        """

    def renew(self, access: InstanceAccess, issued: IssuedLogin) -> float:
        """Extend a login for as long as its role allows, and return for how many seconds it is valid. Raises Degraded."""

    def revoke(self, access: InstanceAccess, issued: IssuedLogin) -> None:
        """End the sessions of a login and remove it. Raises Degraded."""
