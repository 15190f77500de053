"""Redis's names: groups, roles, ports, users and secrets. The servers of a group come from the stack.

Role names, ports and users are what applications and the servers' own configuration use; the names of secrets are those of
``compose/redis/compose.yaml``.
Tests fail if they ask for a name that the files do not have (``tests/access.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.interfaces import InstanceAccess

NAME = "redis"
TITLE = "Redis"

MASTER = "redis-master"
REPLICA = "redis-replica"
SERVER_GROUP, SENTINEL_GROUP, RELAY_GROUP = "redis", "sentinel", "sentinel-relay"
MASTER_NAME = "nexus"

PORT = 6379
SENTINEL_PORT = 26379

APP_USER = "nexus_app"
# The application's second user, for clients that send a password without a user name.
DEFAULT_USER = "default"
APP_USERS = (APP_USER, DEFAULT_USER)
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
    """Return the sentinels, by ordinal; () for a single server, which needs none."""
    return access.topology.optional(NAME, SENTINEL_GROUP, role="server")


def relay(access: InstanceAccess) -> str:
    """Return the relay, which answers host applications with addresses of the host."""
    return access.topology.members(NAME, RELAY_GROUP)[0]


def relay_ports(access: InstanceAccess) -> Mapping[str, int]:
    """Return the relay's port for each sentinel, as configured for the relay (``RELAY_ROUTES`` of its service); empty without sentinels."""
    if not sentinels(access):
        return {}
    routes = access.topology.services[relay(access)].environment["RELAY_ROUTES"].split()
    pairs = (route.partition("=") for route in routes)
    return {upstream.partition(":")[0]: int(port) for port, _, upstream in pairs}
