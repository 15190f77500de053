"""Vault's variables for applications: the address of the active node, a token, and an AppRole login."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.vault import names
from nexusdev.components.vault.desired_state import APP_TOKEN_DAYS
from nexusdev.interfaces import InstanceAccess, View


class VaultLogin(Struct, frozen=True, kw_only=True):
    """The token and the AppRole that the variables publish. ``comment`` says how long the token is valid."""

    token: str
    role_id: str
    secret_id: str
    comment: str


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Return the variables with the application's login."""
    login = VaultLogin(
        token=access.secrets.read(names.APP_TOKEN),
        role_id=access.secrets.read(names.role_id(names.APP)),
        secret_id=access.secrets.read(names.secret_id(names.APP)),
        comment=f"valid for {APP_TOKEN_DAYS} days after the last seeding",
    )
    return published(access, view, login)


def published(access: InstanceAccess, view: View, login: VaultLogin) -> Sequence[Variable]:
    """Return the variables for a login: the names that Vault's own client and hvac read, then the AppRole's two halves."""
    return (
        Variable(name="VAULT_ADDR", first=True, value=f"https://{access.address_in(view, names.ROLE, names.PORT)}"),
        Variable(
            name="VAULT_TOKEN",
            first=True,
            value=login.token,
            secret=True,
            comment=login.comment,
        ),
        Variable(name="VAULT_CACERT", value=access.ca_file_in(view)),
        Variable(name="VAULT_ROLE_ID", value=login.role_id),
        Variable(name="VAULT_SECRET_ID", value=login.secret_id, secret=True),
    )


def credentials(access: InstanceAccess) -> Credentials:  # noqa: ARG001 - the signature of every component
    """What Vault keeps about itself: where it is. Its logins are not its own secrets."""
    application = {"address": f"https://{names.ROLE}:{names.PORT}", "mount": "secret", "role": names.APP}
    return {Consumer.APPLICATION: application}
