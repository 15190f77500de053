"""Redis's names: groups, roles, ports, users and secrets. The servers of a group come from the stack.

Role names, ports and users are what applications and the servers' own configuration use; the names of secrets are those of
``compose/redis/compose.yaml``. ``tests/unit/components/test_topology.py`` compares both with the compose files.
"""

from __future__ import annotations

from nexusdev.interfaces import InstanceAccess

NAME = "redis"
TITLE = "Redis"

MASTER = "redis-master"
REPLICA = "redis-replica"
SERVER_GROUP, SENTINEL_GROUP = "redis", "sentinel"
MASTER_NAME = "nexus"

PORT = 6379
SENTINEL_PORT = 26379
RELAY_PORT = 26380

APP_USER = "nexus_app"
ADMIN_USER = "nexus_admin"
APP_PASSWORD = "redis-app"  # noqa: S105 - a secret's name
ADMIN_PASSWORD = "redis-admin"  # noqa: S105 - a secret's name
SERVER_USERS = "redis-users"
SENTINEL_USERS = "redis-sentinel-users"

CANARY = "nexusdev:canary"
SEEDED = "nexusdev:seeded"


def servers(access: InstanceAccess) -> tuple[str, ...]:
    """Return the Redis servers, by ordinal."""
    return access.topology.members(NAME, SERVER_GROUP, role="server")


def sentinels(access: InstanceAccess) -> tuple[str, ...]:
    """Return the sentinels, by ordinal."""
    return access.topology.members(NAME, SENTINEL_GROUP, role="server")


def relays(access: InstanceAccess) -> tuple[str, ...]:
    """Return the relays beside the sentinels, by ordinal. They answer host applications with addresses of the host."""
    return access.topology.members(NAME, SENTINEL_GROUP, role="sidecar")
