"""Initializes exactly one of the nodes, once, and stores its recovery key first."""

from __future__ import annotations

from nexusdev.components.vault import names
from nexusdev.components.vault.client import BAD_REQUEST, OK, Api, VaultError, error_text
from nexusdev.components.vault.pending import INITIALIZING_NODES, ROOT_OF_NODES, PendingOperations
from nexusdev.components.vault.readiness import Facts
from nexusdev.components.vault.reset import key_lost_error, wipe_data
from nexusdev.interfaces import InstanceAccess, SecretStore


def prepare(api: Api, access: InstanceAccess, facts: Facts) -> None:
    """Initialize the cluster when all nodes report that they are empty. A single empty node joins the others by itself.

    Args:
        api: The first node.
        access: The instance.
        facts: What the probe found.

    Raises:
        InvalidState: The nodes have data, and the recovery key is lost (code VAULT_KEY_LOST).
        VaultError: The node rejects a request.
    """
    secrets = access.secrets
    pending = PendingOperations(secrets=secrets)
    known = bool(secrets.read(names.RECOVERY_KEY))
    initialized = [node.name for node in facts.nodes if node.answers and node.initialized]
    if not initialized and all(node.answers for node in facts.nodes):
        initialize(api, secrets, pending)
    elif known:
        pending.remove(INITIALIZING_NODES)
    elif initialized and INITIALIZING_NODES in pending:
        wipe_data(access.runtime, initialized)
    elif initialized:
        raise key_lost_error("Vault", names.RECOVERY_KEY, access)


def initialize(api: Api, secrets: SecretStore, pending: PendingOperations) -> None:
    """One recovery share. Its own root token is dropped: seeding makes another one and revokes all.

    An initialization whose reply was lost may still run in the server. Then the server reports that it is initialized already, the
    pending operations show that nexusdev did it, and after the next probe the data of these nodes is removed.
    """
    pending.add(INITIALIZING_NODES)
    pending.add(ROOT_OF_NODES)
    if secrets.read(names.RECOVERY_KEY):
        secrets.write(names.RECOVERY_KEY, "")
    reply = api.ask("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
    if reply.status == BAD_REQUEST and "already initialized" in error_text(reply):
        return
    if reply.status != OK:
        raise VaultError(f"initializing {api.server}", reply)
    secrets.write(names.RECOVERY_KEY, reply.json()["recovery_keys_base64"][0])
    pending.remove(INITIALIZING_NODES)
