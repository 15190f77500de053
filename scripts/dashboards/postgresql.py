"""PostgreSQL: who leads, is every write safe, and how much headroom is left."""

from .common import failed_last, started
from .model import Colour, Dashboard, Graph, Query, Row, Stat, Step
from .postgresql_parts import ERRORS, LATENCY, LOAD, REPLICATION

WELL = Row(
    title="Overview: leaders and headroom",
    panels=(
        Stat(
            title="Primary",
            what="The node that accepts writes, according to Patroni.",
            do="None for more than 25 s: `nexusdev status`, then `nexusdev logs postgresql-0 postgresql-1 postgresql-2`.",
            unit="none",
            queries=(Query(expr="patroni_primary == 1"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN),),
            named=True,
            nothing="none",
            alerts=("PostgresPrimaryMissing",),
        ),
        Stat(
            title="Primaries",
            what="Must be exactly 1. Two is a split brain: each accepts writes that the other does not have.",
            do="Two: stop the one without the lease in etcd (`nexusdev stop SERVICE`) before more data is written.",
            unit="none",
            queries=(Query(expr="sum(patroni_primary)"),),
            base=Colour.RED,
            steps=(
                Step(value=1, colour=Colour.GREEN, alert="PostgresPrimaryMissing"),
                Step(value=2, colour=Colour.RED, alert="PostgresTwoPrimaries"),
            ),
        ),
        Stat(
            title="Quorum standbys",
            what="Replicas that can be promoted without losing an acknowledged write. Normally two.",
            do="0: if the primary fails now, writes are lost, or writes wait. `nexusdev up` starts missing nodes.",
            unit="none",
            queries=(Query(expr="sum(patroni_quorum_standby + patroni_sync_standby)"),),
            base=Colour.RED,
            steps=(
                Step(value=1, colour=Colour.YELLOW, alert="PostgresNoQuorumStandby"),
                Step(value=2, colour=Colour.GREEN),
            ),
            maximum=2,
        ),
        Stat(
            title="Worst lag",
            what="Bytes of WAL that the slowest replica has not replayed.",
            do="It decreases with the load. If it only grows, restart the replica with `nexusdev restart`.",
            unit="bytes",
            queries=(Query(expr="max(nexus:postgres_replay_lag:bytes)"),),
            steps=(Step(value=16777216, colour=Colour.RED, alert="PostgresReplicationLag"),),
            trend=True,
        ),
        Stat(
            title="Connections used",
            what="Share of max_connections in use, on the node with the most connections.",
            do="Use DATABASE_POOL_URL instead of DATABASE_URL, or close idle connections.",
            unit="percentunit",
            queries=(
                Query(
                    expr="max(sum by (instance) (pg_stat_activity_count) / on (instance) pg_settings_max_connections)"
                ),
            ),
            steps=(Step(value=0.8, colour=Colour.RED, alert="PostgresConnectionsNearLimit"),),
            maximum=1,
            trend=True,
        ),
        Stat(
            title="Pool queue",
            what="Clients in PgBouncer's queue, because all its connections are in use.",
            do="Check 'idle in transaction' in 'Connections by state': such sessions hold a connection without using it.",
            unit="none",
            queries=(Query(expr="sum(pgbouncer_pools_client_waiting_connections)"),),
            steps=(Step(value=1, colour=Colour.RED, alert="PostgresPoolExhausted"),),
            trend=True,
        ),
        Stat(
            title="Oldest transaction",
            what="Age of the oldest open transaction on any node.",
            do='`nexusdev psql -c "select pid, query from pg_stat_activity order by xact_start limit 3"`, then pg_terminate_backend(pid).',
            unit="s",
            queries=(Query(expr="max(nexus_pg_transaction_seconds)"),),
            steps=(
                Step(value=120, colour=Colour.YELLOW, alert="PostgresIdleInTransaction"),
                Step(value=300, colour=Colour.RED, alert="PostgresLongTransaction"),
            ),
            trend=True,
        ),
        Stat(
            title="Archive failures",
            what="WAL segments that could not be archived in the last 5 minutes. Must be 0: restores need every segment.",
            do="`nexusdev logs` of the primary shows the cause. Usually MinIO is read-only or down.",
            unit="none",
            queries=(Query(expr="sum(increase(pg_stat_archiver_failed_count[5m]))"),),
            steps=(Step(value=1, colour=Colour.RED, alert="PostgresArchiveFailing"),),
        ),
    ),
)

TIMELINES = Graph(
    title="Timeline number",
    what="Increases by one at each failover or switchover, on every node.",
    do="A node with a lower number does not follow the primary: `nexusdev status`.",
    unit="none",
    queries=(Query(expr="patroni_postgres_timeline"),),
    decimals=0,
    alerts=("PostgresPaused",),
)

LAST_WORD = Graph(
    title="Patroni's last contact to etcd",
    what="Seconds since each node last reached etcd. The primary steps down after 20 s, unless it reaches all nodes.",
    do="One node: check its network and load. All nodes: etcd has no quorum; see the infrastructure dashboard.",
    unit="s",
    queries=(Query(expr="time() - patroni_dcs_last_seen"),),
    steps=(Step(value=15, colour=Colour.RED, alert="PostgresStoreUnreachable"),),
)

POSTGRESQL = Dashboard(
    uid="postgresql",
    title="Nexus PostgreSQL",
    description="Which node is primary, whether every write is safe, and how much headroom is left.",
    instances='component="postgres"',
    rows=(
        WELL,
        LOAD,
        LATENCY,
        REPLICATION,
        ERRORS,
        failed_last('component="postgres"', started("time() - patroni_postmaster_start_time"), TIMELINES, LAST_WORD),
    ),
)
