"""Rotates the key pair of the application. Requests carry their key, so the new pair works before the old one ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nexusdev.components.contract import Change
from nexusdev.components.minio.client import Clients, connect, refusals
from nexusdev.components.minio.light_client import AccessKey, S3Client
from nexusdev.components.minio.names import API, APP_ACCESS, APP_POLICY, APP_SECRET, DATA, NONCE, ROLE
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.passwords import random_password

_OK = 200


def rotate(access: InstanceAccess) -> Sequence[Change]:
    """Make a new user with the old one's policies, try it, switch the secrets, remove every older user of the application.

    Cut off anywhere, the pair that the secret store holds works or is repaired by the next seed, and the next rotation cleans up.
    """
    clients = connect(access)
    with refusals("creating the application's new key"):
        users = _users(clients)
        old = access.secrets.read(APP_ACCESS)
        key = AccessKey(access_key=random_password(20), secret_key=random_password(40))
        clients.admin.user_add(key.access_key, key.secret_key)
        policies = users.get(old) or (APP_POLICY,)
        clients.admin.attach_policy(list(policies), user=key.access_key)
    _try(access, key)
    access.secrets.write(APP_SECRET, key.secret_key)
    access.secrets.write(APP_ACCESS, key.access_key)
    with refusals("removing the application's old key"):
        for name in (name for name, held in users.items() if APP_POLICY in held):
            clients.admin.user_remove(name)
    return (Change(what=f"new key pair for the application: {key.access_key} replaces {old}"),)


def _users(clients: Clients) -> dict[str, tuple[str, ...]]:
    """User → names of its policies."""
    reply = json.loads(clients.admin.user_list())
    return {name: tuple(filter(None, str(user.get("policyName") or "").split(","))) for name, user in reply.items()}


def _try(access: InstanceAccess, key: AccessKey) -> None:
    """The new pair must read before anybody is given it."""
    with refusals("testing the application's new key"):
        answer = S3Client(access=access, address=access.address(ROLE, API), key=key).request(
            "GET", f"/{DATA.name}/{NONCE}"
        )
    if answer.status != _OK:
        raise SeedingFailed(
            "MinIO rejects the application's new key", why=answer.text[:200], hint="nexusdev secrets rotate"
        )
