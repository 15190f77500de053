"""A database and a secrets engine in memory, for tests of what brings them together."""

# ruff: noqa: ARG002 - the protocols define the arguments

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nexusdev.components.contract import Change, Consumer, Variable
from nexusdev.components.dynamic_logins import DynamicLogins, DynamicRole, HasDynamicLogins, IssuedLogin
from nexusdev.errors import Degraded
from nexusdev.interfaces import InstanceAccess, View
from tests.fakes import FakeComponent


@dataclass(kw_only=True)
class FakeDatabase(FakeComponent):
    """Publishes a user, a password, and the path of a file with both."""

    password: str = ""

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return self.dynamic_variables(access, view, {}, folder="/permanent")

    def dynamic_logins(self) -> DynamicLogins:
        role = DynamicRole(name="shop-app", consumer=Consumer.APPLICATION, create=("CREATE",), revoke=("DROP",))
        return DynamicLogins(plugin="p", user="issuer", url="db://", roles=(role,), published=("shop-app",))

    def set_issuer_password(self, access: InstanceAccess, password: str) -> None:
        self.password = password

    def dynamic_variables(
        self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin], *, folder: str = ""
    ) -> Sequence[Variable]:
        login = issued.get("shop-app")
        found = [Variable(name="DB_USER", value=login.user if login else "permanent")]
        return [*found, Variable(name="DB_FILE", value=f"{folder}/db.conf")] if folder else found

    def dynamic_files(self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin]) -> Mapping[str, str]:
        return {"db.conf": issued["shop-app"].user}


@dataclass(kw_only=True)
class FakeIssuer(FakeComponent):
    """Issues numbered logins.

    Attributes:
        connected: The databases that it was connected with.
        valid: The users that exist.
        renewals: For how many seconds each renewal is valid; without any a renewal fails.
        broken: Whether a revocation fails.
    """

    connected: list[str] = field(default_factory=list)
    valid: list[str] = field(default_factory=list)
    renewals: list[float] = field(default_factory=list)
    broken: bool = False

    def connect_database(self, access: InstanceAccess, name: str, database: HasDynamicLogins) -> Sequence[Change]:
        self.connected.append(name)
        return [] if self.connected.count(name) > 1 else [Change(what=f"connected {name}")]

    def issue(self, access: InstanceAccess, roles: Sequence[DynamicRole]) -> Mapping[str, IssuedLogin]:
        return {each.name: self._login(each.name) for each in roles}

    def renew(self, access: InstanceAccess, issued: IssuedLogin) -> float:
        if not self.renewals:
            raise Degraded("Vault issues no logins", why="lease not found")
        return self.renewals.pop(0)

    def revoke(self, access: InstanceAccess, issued: IssuedLogin) -> None:
        if self.broken:
            raise Degraded("Vault issues no logins", why="connection refused")
        if issued.user not in self.valid:
            raise Degraded("no such login", why=issued.user)
        self.valid.remove(issued.user)

    def _login(self, role: str) -> IssuedLogin:
        user = f"v-{role}-{len(self.valid)}"
        self.valid.append(user)
        return IssuedLogin(role=role, user=user, password="x", lease=user, token="t", seconds=3600)  # noqa: S106
