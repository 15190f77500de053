"""Initializes and unseals the node that unseals the others, and creates its transit key.

Its data can be recreated at any time: a backup of its key is stored beside its key share before any node may use it.
"""

from __future__ import annotations

from nexusdev.components.vault import names
from nexusdev.components.vault.client import NOT_FOUND, OK, Api, VaultError
from nexusdev.components.vault.pending import INITIALIZING_UNSEAL, ROOT_OF_UNSEAL, PendingOperations
from nexusdev.components.vault.readiness import Facts
from nexusdev.components.vault.reset import key_lost_error, wipe_data
from nexusdev.components.vault.root_token import temporary_root
from nexusdev.interfaces import InstanceAccess, SecretStore

TEN_YEARS = "87600h"
POLICY = f"""# What the three nodes may do with their seal.
path "transit/encrypt/{names.SEAL_KEY}" {{
  capabilities = ["update"]
}}
path "transit/decrypt/{names.SEAL_KEY}" {{
  capabilities = ["update"]
}}
"""


def prepare(api: Api, access: InstanceAccess, facts: Facts) -> None:
    """Initialize, unseal and provision the node whose transit key unseals the others. Does what is missing; idempotent.

    Args:
        api: That node.
        access: The instance.
        facts: What the probe found.

    Raises:
        InvalidState: The node has data, and the key to it is lost (code VAULT_KEY_LOST).
        VaultError: The node rejects a request.
    """
    if not facts.unseal.answers:
        return
    secrets = access.secrets
    pending = PendingOperations(secrets=secrets)
    if not facts.unseal.initialized:
        initialize(api, secrets, pending)
    elif not secrets.read(names.UNSEAL_KEY):
        _without_key(facts, access, pending)
        return
    pending.remove(INITIALIZING_UNSEAL)
    if facts.unseal.sealed:
        api.need("PUT", "sys/unseal", {"key": secrets.read(names.UNSEAL_KEY)})
    if not facts.unseal.active:
        return
    if all(node.unsealed for node in facts.nodes) and ROOT_OF_UNSEAL not in pending:
        return
    if not works(api, secrets) or ROOT_OF_UNSEAL in pending:
        with temporary_root(api, secrets.read(names.UNSEAL_KEY), pending=pending, word=ROOT_OF_UNSEAL) as with_root:
            provision(with_root, secrets)


def initialize(api: Api, secrets: SecretStore, pending: PendingOperations) -> None:
    """Initialize with one key share, and store it before anything else. An old key share is useless and is removed first.

    The server returns a root token as well. The seal is not ready until all root tokens are revoked, at the end of provisioning.
    """
    pending.add(INITIALIZING_UNSEAL)
    pending.add(ROOT_OF_UNSEAL)
    if secrets.read(names.UNSEAL_KEY):
        secrets.write(names.UNSEAL_KEY, "")
    initialized = api.need("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    secrets.write(names.UNSEAL_KEY, initialized["keys_base64"][0])


def works(api: Api, secrets: SecretStore) -> bool:
    """Whether the nodes' token can encrypt."""
    as_node = api.with_token(secrets.read(names.SEAL_TOKEN))
    return as_node.ask("PUT", f"transit/encrypt/{names.SEAL_KEY}", {"plaintext": "bmV4dXM="}).status == OK


def provision(api: Api, secrets: SecretStore) -> None:
    """The key with its backup, the policy, and last the token, with which the nodes begin."""
    if "transit/" not in api.need("GET", "sys/mounts")["data"]:
        api.need("POST", "sys/mounts/transit", {"type": "transit"})
    _provide_key(api, secrets)
    api.need("PUT", f"sys/policies/acl/{names.SEAL_POLICY}", {"policy": POLICY})
    _provide_token(api, secrets.read(names.SEAL_TOKEN))


def _provide_key(api: Api, secrets: SecretStore) -> None:
    backup = secrets.read(names.SEAL_BACKUP)
    if api.find(f"transit/keys/{names.SEAL_KEY}") is None:
        if backup:
            api.need("POST", f"transit/restore/{names.SEAL_KEY}", {"backup": backup})
            return
        api.need(
            "POST",
            f"transit/keys/{names.SEAL_KEY}",
            {"type": "aes256-gcm96", "exportable": True, "allow_plaintext_backup": True},
        )
    if not backup:
        found = api.need("GET", f"transit/backup/{names.SEAL_KEY}")
        secrets.write(names.SEAL_BACKUP, found["data"]["backup"])


def _provide_token(api: Api, token: str) -> None:
    """A token of our own id, without a parent, that lives ten years from its last renewal."""
    known = api.ask("POST", "auth/token/lookup", {"token": token})
    if known.status == OK:
        return
    if known.status not in (NOT_FOUND, 403):
        raise VaultError("looking up the seal's token", known)
    api.need(
        "POST",
        "auth/token/create",
        {
            "id": token,
            "policies": [names.SEAL_POLICY],
            "no_parent": True,
            "period": TEN_YEARS,
            "display_name": "nexus-seal",
        },
    )


def _without_key(facts: Facts, access: InstanceAccess, pending: PendingOperations) -> None:
    """Handle a node that is initialized and whose key share is lost. Nothing is lost if its transit key was stored or never used."""
    if INITIALIZING_UNSEAL not in pending and not access.secrets.read(names.SEAL_BACKUP):
        raise key_lost_error(facts.unseal.name, names.UNSEAL_KEY, access)
    wipe_data(access.runtime, (facts.unseal.name,))
