"""PostgreSQL: one primary and two replicas under Patroni, the etcd in which they agree, and PgBouncer in front of the primary."""
