"""Redis's names in the stack: nodes, roles, ports, users and secrets."""

from __future__ import annotations

NAME = "redis"
TITLE = "Redis"

MASTER = "redis-master"
REPLICA = "redis-replica"
SERVERS = ("redis-0", "redis-1", "redis-2")
SENTINELS = ("sentinel-0", "sentinel-1", "sentinel-2")
RELAYS = ("sentinel-relay-0", "sentinel-relay-1", "sentinel-relay-2")
MASTER_NAME = "nexus"
REPLICAS = len(SERVERS) - 1

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
