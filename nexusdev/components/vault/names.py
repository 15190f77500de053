"""Vault's names: groups, role, port, secrets, mounts and policies. The nodes come from the stack.

The role name and the port are what applications and the servers' own configuration use; the names of secrets are those of
``compose/vault/compose.yaml``.
Tests fail if they ask for a name that the files do not have (``tests/access.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.components.contract import Consumer
from nexusdev.components.vault import quick_proof
from nexusdev.interfaces import InstanceAccess

NAME = "vault"
NODE_GROUP, UNSEALER_GROUP = "vault", "vault-unseal"
ROLE = "vault-active"
PORT = 8200

# Secrets of the instance; compose/vault/compose.yaml describes each.
UNSEAL_KEY = "vault-unseal-key"
SEAL_TOKEN = "vault-seal-token"  # noqa: S105 - the name of the secret
SEAL_BACKUP = "vault-seal-backup"
RECOVERY_KEY = "vault-recovery-key"
PENDING = "vault-journal"
APP_TOKEN = "vault-app-token"  # noqa: S105 - likewise

SEAL_KEY = "nexus-seal"
SEAL_POLICY = "nexus-seal"
APP = "nexus-app"
MIGRATIONS = "nexus-migrations"
OPERATOR = "nexus-operator"
# The key of the engine at transit/ with which the application encrypts.
TRANSIT_KEY = APP
# Below secret/: a folder per consumer, which only the policy of this consumer grants.
FOLDERS: Mapping[Consumer, str] = {Consumer.APPLICATION: "nexus", Consumer.MIGRATIONS: "nexus-migrations"}
# The application's own secrets, in addition to a folder with the project's name.
OWN_FOLDER = "app"
# A folder for each lease.
LEASES = "leases"
TAKEN_FOLDERS = frozenset((OWN_FOLDER, LEASES, *FOLDERS.values()))
INSTANCE_PATH = quick_proof.INSTANCE_PATH


def nodes(access: InstanceAccess) -> tuple[str, ...]:
    """Return the nodes that store the secrets, by ordinal."""
    return access.topology.members(NAME, NODE_GROUP)


def unsealer(access: InstanceAccess) -> str:
    """Return the node that unseals the others with its transit key."""
    return access.topology.members(NAME, UNSEALER_GROUP)[0]


def role_id(role: str) -> str:
    """The secret that holds an AppRole's role id: ``vault-app-role-id`` for ``nexus-app``."""
    return f"vault-{role.removeprefix('nexus-')}-role-id"


def secret_id(role: str) -> str:
    """The secret that holds an AppRole's secret id."""
    return f"vault-{role.removeprefix('nexus-')}-secret-id"
