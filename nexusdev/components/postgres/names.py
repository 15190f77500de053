"""PostgreSQL's names in the stack: servers, ports, roles, databases and secrets."""

from __future__ import annotations

NAME = "postgres"

NODES = ("postgresql-0", "postgresql-1", "postgresql-2")
STORES = ("etcd-0", "etcd-1", "etcd-2")
REPLICAS = len(NODES) - 1
QUORUM = len(STORES) // 2 + 1

PRIMARY, REPLICA, POOL = "postgresql-primary", "postgresql-replica", "pgbouncer"
SQL, REST, ETCD, POOLED = 5432, 8008, 2379, 6432

DATABASE = "nexus_architect"
MAINTENANCE = "postgres"
SUPERUSER, OWNER, APP, PROBE, POOLER = "postgres", "nexus_owner", "nexus_app", "nexus_probe", "pgbouncer"
MONITOR = "nexus_monitor"

# Role → the secret with its password.
PASSWORDS = {
    SUPERUSER: "postgres-superuser",
    OWNER: "postgres-owner",
    APP: "postgres-app",
    PROBE: "postgres-probe",
    POOLER: "postgres-pgbouncer",
    MONITOR: "postgres-monitor",
}
REST_USER, REST_PASSWORD = "patroni", "patroni-rest"
