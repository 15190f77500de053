"""PostgreSQL: one primary and two replicas under Patroni, their etcd cluster, and PgBouncer in front of the primary."""
