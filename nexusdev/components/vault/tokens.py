"""Logs nexusdev in as operator for a short time, and gives the application a long-lived token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nexusdev.components.contract import Change
from nexusdev.components.vault import names
from nexusdev.components.vault.client import BAD_REQUEST, FORBIDDEN, NOT_FOUND, OK, Api, VaultError, document
from nexusdev.components.vault.pending import ROOT_OF_NODES, PendingOperations
from nexusdev.components.vault.reset import KEY_LOST, reset_hint
from nexusdev.components.vault.root_token import temporary_root
from nexusdev.errors import InvalidState, SeedingFailed
from nexusdev.interfaces import InstanceAccess, SecretStore

_STRANGER = (BAD_REQUEST, FORBIDDEN, NOT_FOUND)


@contextmanager
def operator(api: Api, access: InstanceAccess) -> Iterator[Api]:
    """Vault asked as operator; as root, by the recovery key, where there is no operator yet or a root token may be left.

    Whatever token it was, it is revoked at the end.
    """
    pending = PendingOperations(secrets=access.secrets)
    token = "" if ROOT_OF_NODES in pending else login(api, access.secrets, names.OPERATOR)
    if token:
        as_operator = api.with_token(token)
        yield as_operator
        as_operator.ask("POST", "auth/token/revoke-self", {})
        return
    with temporary_root(api, _recovery_key(access), pending=pending, word=ROOT_OF_NODES) as as_root:
        yield as_root


def login(api: Api, secrets: SecretStore, role: str) -> str:
    """A new token of an AppRole; '' where Vault does not know it."""
    body = {"role_id": secrets.read(names.role_id(role)), "secret_id": secrets.read(names.secret_id(role))}
    response = api.ask("POST", "auth/approle/login", body)
    if response.status in _STRANGER:
        return ""
    if response.status != OK:
        raise VaultError(f"logging in as {role}", response)
    return str(document(response)["auth"]["client_token"])


def refresh(api: Api, secrets: SecretStore) -> Iterator[Change]:
    """The application's token is valid for its whole period again, and has all policies of its role; else there is a new one."""
    present = secrets.read(names.APP_TOKEN)
    if present and _renewed(api, present):
        return
    issue(api, secrets)
    yield Change(what="issued a new token to the application" if present else "issued a token to the application")


def issue(api: Api, secrets: SecretStore) -> None:
    """A new token for the application, in the store. The one before stays valid."""
    token = login(api, secrets, names.APP)
    if not token:
        raise SeedingFailed(
            f"Vault rejects the login of {names.APP}",
            why="its role id or secret id differs from the stored one",
            hint="nexusdev seed   set both again",
        )
    secrets.write(names.APP_TOKEN, token)


def policies_of(api: Api, secrets: SecretStore) -> set[str]:
    """What the application's token is allowed: the policies that its role had when it was issued."""
    response = api.with_token(secrets.read(names.APP_TOKEN)).ask("GET", "auth/token/lookup-self")
    return set(document(response)["data"]["policies"]) if response.status == OK else set()


def _renewed(api: Api, token: str) -> bool:
    response = api.with_token(token).ask("POST", "auth/token/renew-self", {})
    if response.status in _STRANGER:
        return False
    if response.status != OK:
        raise VaultError("renewing the application's token", response)
    return True


def _recovery_key(access: InstanceAccess) -> str:
    key = access.secrets.read(names.RECOVERY_KEY)
    if not key:
        raise InvalidState(
            "failed to log in to Vault as operator",
            why=f"its AppRole {names.OPERATOR} is rejected, and the secret {names.RECOVERY_KEY} is empty",
            hint=reset_hint(access),
            code=KEY_LOST,
        )
    return key
