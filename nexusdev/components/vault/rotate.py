"""Rotates the secret id and the token of the application, of which the old ones are revoked, and Vault's own passwords of databases."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Change
from nexusdev.components.vault import database_engine, names
from nexusdev.components.vault.client import Api
from nexusdev.components.vault.desired_state import login_of
from nexusdev.components.vault.seed import unreachable
from nexusdev.components.vault.tokens import issue, operator
from nexusdev.interfaces import InstanceAccess

_ROLE = f"auth/approle/role/{names.APP}"


def rotate(api: Api, access: InstanceAccess, fresh: str) -> Sequence[Change]:
    """Issue a new secret id and a new token. The new ones are valid before the old ones end; seeding repairs an interrupted rotation.

    Args:
        api: The active node.
        access: The instance.
        fresh: The new secret id.

    Raises:
        SeedingFailed: Vault does not answer or rejects a change.
    """
    old = access.secrets.read(names.APP_TOKEN)
    try:
        with operator(api, access) as as_operator:
            access.secrets.write(names.secret_id(names.APP), fresh)
            list(login_of(as_operator, access.secrets, names.APP))
            issue(api, access.secrets)
            _forget_others(as_operator, fresh)
            if old:
                api.with_token(old).ask("POST", "auth/token/revoke-self", {})
            logins = list(database_engine.rotate_passwords(as_operator))
    except OSError as error:
        raise unreachable(error) from error
    return [Change(what=f"new secret id for {names.APP}"), Change(what="new token for the application"), *logins]


def _forget_others(api: Api, kept: str) -> None:
    """Destroy every secret id of the application but this one: also those that a cut left behind."""
    own = api.need("POST", f"{_ROLE}/secret-id/lookup", {"secret_id": kept})["data"]["secret_id_accessor"]
    for accessor in api.need("LIST", f"{_ROLE}/secret-id")["data"]["keys"]:
        if accessor != own:
            api.need("POST", f"{_ROLE}/secret-id-accessor/destroy", {"secret_id_accessor": accessor})
