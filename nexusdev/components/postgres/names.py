"""PostgreSQL's names: groups, roles, ports, databases and secrets. The servers of a group come from the stack.

Role names, ports, database and users are what applications and the servers' own configuration use; the names of secrets are those
of ``compose/postgres/compose.yaml``.
Tests fail if they ask for a name that the files do not have (``tests/access.py``).
"""

from __future__ import annotations

from nexusdev.interfaces import InstanceAccess

NAME = "postgres"

NODE_GROUP, STORE_GROUP = "postgresql", "etcd"

PRIMARY, REPLICA, POOL = "postgresql-primary", "postgresql-replica", "pgbouncer"
SQL, REST, ETCD, POOLED = 5432, 8008, 2379, 6432

DATABASE = "nexus_architect"
MAINTENANCE = "postgres"
SUPERUSER, OWNER, APP, PROBE, POOLER = "postgres", "nexus_owner", "nexus_app", "nexus_probe", "pgbouncer"
MONITOR = "nexus_monitor"
# Creates the short-lived logins and drops them. It is Vault's login, and only Vault knows its password.
ISSUER = "nexus_vault"
# The rights of short-lived logins that only read; nobody logs in with it.
READER = "nexus_readonly"
# For test runners: the role creates databases and owns them. Its default database always exists.
TEST = TEST_DATABASE = "nexus_test"

# Role → the secret with its password.
PASSWORDS = {
    SUPERUSER: "postgres-superuser",
    OWNER: "postgres-owner",
    APP: "postgres-app",
    PROBE: "postgres-probe",
    POOLER: "postgres-pgbouncer",
    MONITOR: "postgres-monitor",
    TEST: "postgres-test",
}
REST_USER, REST_PASSWORD = "patroni", "patroni-rest"


def nodes(access: InstanceAccess) -> tuple[str, ...]:
    """Return the PostgreSQL servers, by ordinal. Each runs its Patroni, unless it is the only one."""
    return access.topology.members(NAME, NODE_GROUP)


def stores(access: InstanceAccess) -> tuple[str, ...]:
    """Return the etcd members, by ordinal; () for a single server, which runs without Patroni."""
    return access.topology.optional(NAME, STORE_GROUP)
