"""Vault's secrets engine for databases: it creates logins on request and drops them when they expire.

The engine logs in to a database with a password that only Vault knows: nexusdev sets a random one, stores it nowhere, and Vault replaces it at once.
If Vault cannot log in, such as after the database was created again, that is repeated.
https://developer.hashicorp.com/vault/api-docs/secret/databases
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nexusdev.components.contract import Change, Consumer
from nexusdev.components.dynamic_logins import DynamicLogins, DynamicRole, HasDynamicLogins, IssuedLogin
from nexusdev.components.vault import desired_state, names
from nexusdev.components.vault.client import NO_CONTENT, NOT_FOUND, OK, Api, VaultError, document
from nexusdev.components.vault.seed import unreachable
from nexusdev.components.vault.tokens import login, operator
from nexusdev.errors import Degraded, SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.passwords import random_password

MOUNT = "database"
#: Seconds for which a login is valid: at first and after each renewal, and in all.
TTL, MAX_TTL = 3600, 24 * 3600
_PLUGINS = "/usr/local/lib/vault"
_CATALOG = "sys/plugins/catalog/database"


def connect(api: Api, access: InstanceAccess, name: str, database: HasDynamicLogins) -> Sequence[Change]:
    """Let Vault issue logins of this database.

    Args:
        api: The active node.
        access: The instance.
        name: The name of the database's component, and of its connection in Vault.
        database: The component.

    Raises:
        SeedingFailed: A server does not answer or rejects a change.
    """
    try:
        with operator(api, access) as as_operator:
            return list(_connected(as_operator, access, name, database))
    except OSError as error:
        raise unreachable(error) from error


def issue(api: Api, access: InstanceAccess, roles: Sequence[DynamicRole]) -> Mapping[str, IssuedLogin]:
    """Ask for one login per role: as the application for its own, as a migration job for the others.

    If one cannot be issued, those before it are revoked.

    Raises:
        Degraded: Vault does not answer, or it does not issue logins.
    """
    issued: dict[str, IssuedLogin] = {}
    try:
        for role in roles:
            issued[role.name] = _issued(api.with_token(_token(api, access, role)), role.name)
    except (OSError, SeedingFailed) as error:
        for each in issued.values():
            with contextlib.suppress(Degraded):
                revoke(api, access, each)
        raise _gone(error.why if isinstance(error, SeedingFailed) else str(error)) from error
    return issued


def renew(api: Api, issued: IssuedLogin) -> float:
    """Extend a login, and the token that it belongs to.

    Returns:
        For how many seconds it is valid.

    Raises:
        Degraded: Vault does not answer, or the login has expired.
    """
    asking = api.with_token(issued.token)
    try:
        asking.need("POST", "auth/token/renew-self", {})
        answer = asking.need("POST", "sys/leases/renew", {"lease_id": issued.lease, "increment": TTL})
    except OSError as error:
        raise _gone(str(error)) from error
    except VaultError as error:
        raise _gone(error.why) from error
    return float(answer["lease_duration"])


def revoke(api: Api, access: InstanceAccess, issued: IssuedLogin) -> None:
    """Drop a login; its sessions end. A token that was made for it is revoked as well. Raises Degraded."""
    asking = api.with_token(issued.token)
    try:
        asking.need("POST", "sys/leases/revoke", {"lease_id": issued.lease, "sync": True})
        if issued.token != access.secrets.read(names.APP_TOKEN):
            asking.need("POST", "auth/token/revoke-self", {})
    except OSError as error:
        raise _gone(str(error)) from error
    except VaultError as error:
        raise _gone(error.why) from error


def rotate_passwords(api: Api) -> Iterator[Change]:
    """Let Vault replace the passwords with which it logs in to databases."""
    for name in _listed(api, f"{MOUNT}/config"):
        api.need("POST", f"{MOUNT}/rotate-root/{name}", {})
        yield Change(what=f"new password for Vault's login to {name}")


def _connected(api: Api, access: InstanceAccess, name: str, database: HasDynamicLogins) -> Iterator[Change]:
    logins = database.dynamic_logins()
    yield from desired_state.mount(api, "mounts", f"{MOUNT}/", {"type": "database"})
    yield from _plugin(api, access, logins.plugin)
    if not _logs_in(api, name, logins):
        _configure(api, access, name, database)
        yield Change(what=f"connected Vault to {name}")
    for role in logins.roles:
        yield from _role(api, name, role)


def _plugin(api: Api, access: InstanceAccess, plugin: str) -> Iterator[Change]:
    """Register the plugin of the image, unless it is built in. Vault runs only a file with the registered hash."""
    path = f"{_CATALOG}/{plugin}"
    present = api.find(path)
    if present and present.get("builtin"):
        return
    sha256 = _hash(access, plugin)
    if present and present.get("sha256") == sha256:
        return
    api.need("PUT", path, {"sha256": sha256, "command": plugin})
    if present:
        api.need("PUT", "sys/plugins/reload/backend", {"plugin": plugin})
    yield Change(what=f"registered {plugin}")


def _hash(access: InstanceAccess, plugin: str) -> str:
    file = f"{_PLUGINS}/{plugin}"
    done = access.runtime.execute(names.nodes(access)[0], ["sha256sum", file])
    if done.exit_code:
        raise SeedingFailed(
            f"Vault has no {plugin}",
            why=f"it is not built in, and its image has no {file}",
            hint="nexusdev images build vault   build an image with it",
        )
    return done.stdout.decode().split()[0]


def _logs_in(api: Api, name: str, logins: DynamicLogins) -> bool:
    """Whether the connection is as it should be, and Vault can log in with its password."""
    present = api.find(f"{MOUNT}/config/{name}")
    if present is None:
        return False
    details = {key: str(value) for key, value in (present.get("connection_details") or {}).items()}
    wanted = _connection(logins)
    allowed = wanted.pop("allowed_roles"), wanted.pop("plugin_name")
    if (present.get("allowed_roles"), present.get("plugin_name")) != allowed:
        return False
    if any(details.get(key) != str(value) for key, value in wanted.items()):
        return False
    return api.ask("POST", f"{MOUNT}/reset/{name}", {}).status in (OK, NO_CONTENT)


def _configure(api: Api, access: InstanceAccess, name: str, database: HasDynamicLogins) -> None:
    """Set a random password on both sides, then let Vault choose another one."""
    password = random_password(32)
    database.set_issuer_password(access, password)
    body = {**_connection(database.dynamic_logins()), "password": password, "verify_connection": True}
    api.need("POST", f"{MOUNT}/config/{name}", body)
    api.need("POST", f"{MOUNT}/rotate-root/{name}", {})


def _connection(logins: DynamicLogins) -> dict[str, Any]:
    """Return the connection without its password. No connection stays open: after a failover it would lead to a server that only reads."""
    return {
        "plugin_name": logins.plugin,
        "allowed_roles": [role.name for role in logins.roles],
        "connection_url": logins.url,
        "username": logins.user,
        "max_idle_connections": -1,
        "password_authentication": "scram-sha-256",
    }


def _role(api: Api, database: str, role: DynamicRole) -> Iterator[Change]:
    path = f"{MOUNT}/roles/{role.name}"
    wanted = {
        "db_name": database,
        "creation_statements": list(role.create),
        "revocation_statements": list(role.revoke),
        "default_ttl": TTL,
        "max_ttl": MAX_TTL,
    }
    present = api.find(path)
    if present is None or any(present.get(key) != value for key, value in wanted.items()):
        api.need("POST", path, wanted)
        yield Change(what=f"{'created' if present is None else 'changed'} database role {role.name}")


def _token(api: Api, access: InstanceAccess, role: DynamicRole) -> str:
    """Return the token to ask with. A login lives no longer than the token that asked for it."""
    if role.consumer is Consumer.APPLICATION:
        return access.secrets.read(names.APP_TOKEN)
    token = login(api, access.secrets, names.MIGRATIONS)
    if not token:
        raise _gone(f"its AppRole {names.MIGRATIONS} is rejected")
    return token


def _issued(api: Api, role: str) -> IssuedLogin:
    answer = api.need("GET", f"{MOUNT}/creds/{role}")
    data = answer["data"]
    return IssuedLogin(
        role=role,
        user=data["username"],
        password=data["password"],
        lease=answer["lease_id"],
        token=api.token,
        seconds=float(answer["lease_duration"]),
    )


def _listed(api: Api, path: str) -> Sequence[str]:
    response = api.ask("LIST", path)
    if response.status == NOT_FOUND:
        return ()
    if response.status != OK:
        raise VaultError(f"LIST {path} at {api.server}", response)
    keys: list[str] = document(response)["data"]["keys"]
    return keys


def _gone(why: str) -> Degraded:
    return Degraded(
        "Vault issues no logins",
        why=why,
        hint="nexusdev status   show the problem\nnexusdev seed     connect Vault with the database again",
    )
