"""PostgreSQL below its first row: load, latency, replication, errors."""

from .common import HERE, ratio
from .model import Colour, Graph, Meaning, Query, Row, Step, Timeline

LOAD = Row(
    title="Load",
    panels=(
        Graph(
            title="Transactions",
            what="Commits and rollbacks per second, for all databases of a node.",
            do="Many rollbacks and few commits: an application fails. See 'Errors'.",
            unit="ops",
            queries=(
                Query(
                    expr=f"sum by (instance) (rate(pg_stat_database_xact_commit{{{HERE}}}[$__rate_interval]))",
                    legend="{{instance}} committed",
                ),
                Query(
                    expr=f"sum by (instance) (rate(pg_stat_database_xact_rollback{{{HERE}}}[$__rate_interval]))",
                    legend="{{instance}} rolled back",
                ),
            ),
        ),
        Graph(
            title="Connections by state",
            what="Connections of the selected nodes, by state.",
            do="'idle in transaction' holds locks and keeps dead rows: commit transactions in the application.",
            unit="none",
            queries=(Query(expr=f"sum by (state) (pg_stat_activity_count{{{HERE}}})", legend="{{state}}"),),
            stacked=True,
        ),
        Graph(
            title="Pool: clients and servers",
            what="Active and waiting clients of PgBouncer, and its connections to the primary.",
            do="Clients wait while connections are idle: the limit is wrong. All are active: statements are slow.",
            unit="none",
            queries=(
                Query(expr="sum(pgbouncer_pools_client_active_connections)", legend="clients active"),
                Query(expr="sum(pgbouncer_pools_client_waiting_connections)", legend="clients waiting"),
                Query(expr="sum(pgbouncer_pools_server_active_connections)", legend="servers active"),
                Query(expr="sum(pgbouncer_pools_server_idle_connections)", legend="servers idle"),
            ),
            alerts=("PostgresPoolExhausted",),
        ),
        Graph(
            title="Rows",
            what="Rows read and written per second on the selected nodes.",
            do="Far more rows returned than fetched: whole tables are read; add an index.",
            unit="ops",
            queries=tuple(
                Query(expr=f"sum(rate(pg_stat_database_tup_{kind}{{{HERE}}}[$__rate_interval]))", legend=kind)
                for kind in ("returned", "fetched", "inserted", "updated", "deleted")
            ),
        ),
        Graph(
            title="Cache hit ratio",
            what="Share of blocks that were found in PostgreSQL's memory. 0 also means that nothing was read.",
            do="Below 0.9 under load: the working set exceeds shared_buffers, or a query reads too much.",
            unit="percentunit",
            queries=(
                Query(
                    expr=ratio(
                        f"sum by (instance) (rate(pg_stat_database_blks_hit{{{HERE}}}[5m]))",
                        f"sum by (instance) (rate(pg_stat_database_blks_hit{{{HERE}}}[5m])"
                        f" + rate(pg_stat_database_blks_read{{{HERE}}}[5m]))",
                    ),
                ),
            ),
            maximum=1,
        ),
        Graph(
            title="Size of databases",
            what="Size on disk, on the selected nodes.",
            do="Growth without new rows is bloat: find an old transaction that blocks vacuum.",
            unit="bytes",
            queries=(Query(expr=f"max by (datname) (pg_database_size_bytes{{{HERE}}})", legend="{{datname}}"),),
        ),
    ),
)

LATENCY = Row(
    title="Latency",
    panels=(
        Graph(
            title="Slowest statements",
            what="Mean time of the five slowest statements, by PostgreSQL's query id.",
            do='`nexusdev psql -c "select query from pg_stat_statements where queryid = ID"` shows its text, if the application sent it.',
            unit="s",
            queries=(
                Query(
                    expr="topk(5, "
                    + ratio(
                        f"sum by (queryid) (rate(pg_stat_statements_seconds_total{{{HERE}}}[5m]))",
                        f"sum by (queryid) (rate(pg_stat_statements_calls_total{{{HERE}}}[5m]))",
                    )
                    + ")",
                    legend="{{queryid}}",
                ),
            ),
        ),
        Graph(
            title="Wait for a pooled connection",
            what="Mean time per second that clients spent in PgBouncer's queue, by database.",
            do="Above 0: there are more clients than connections. See 'Pool: clients and servers'.",
            unit="s",
            queries=(
                Query(
                    expr="sum by (database) (rate(pgbouncer_stats_client_wait_seconds_total[$__rate_interval]))",
                    legend="{{database}}",
                ),
            ),
        ),
        Graph(
            title="Checkpoints",
            what="Checkpoints in the last 5 minutes: timed ones, and early ones because max_wal_size was reached.",
            do="Many early ones: load in smaller batches, or drop indexes while loading.",
            unit="none",
            queries=(
                Query(expr=f"increase(nexus_pg_checkpoints_total{{{HERE}}}[5m])", legend="{{instance}} {{kind}}"),
            ),
            steps=(Step(value=5, colour=Colour.RED, alert="PostgresCheckpointPressure"),),
        ),
        Graph(
            title="Waiting for a lock",
            what="Longest time that a session currently waits for a lock; 0 if none waits.",
            do="`nexusdev psql -c \"select pid, pg_blocking_pids(pid) from pg_stat_activity where wait_event_type = 'Lock'\"`",
            unit="s",
            queries=(Query(expr=f"nexus_pg_lock_waiting_seconds{{{HERE}}}"),),
            steps=(Step(value=20, colour=Colour.RED, alert="PostgresLockWait"),),
        ),
        Graph(
            title="Oldest transaction by node",
            what="Age of each node's oldest client transaction, active and idle.",
            do="An idle one holds locks and keeps dead rows: `select pg_terminate_backend(pid)`, then correct the application.",
            unit="s",
            queries=(Query(expr=f"nexus_pg_transaction_seconds{{{HERE}}}", legend="{{instance}} {{state}}"),),
            steps=(
                Step(value=120, colour=Colour.YELLOW, alert="PostgresIdleInTransaction"),
                Step(value=300, colour=Colour.RED, alert="PostgresLongTransaction"),
            ),
        ),
        Graph(
            title="Commands of etcd's clients",
            what="Mean response time of all etcd requests, which Patroni waits for.",
            do="See 'Slowest 1 % of log syncs' on the infrastructure dashboard: etcd depends on its disk.",
            unit="s",
            queries=(
                Query(
                    expr=ratio(
                        "sum by (instance) (rate(etcd_server_apply_duration_seconds_sum[5m]))",
                        "sum by (instance) (rate(etcd_server_apply_duration_seconds_count[5m]))",
                    ),
                ),
            ),
        ),
    ),
)

REPLICATION = Row(
    title="Replication and quorum",
    panels=(
        Timeline(
            title="Roles",
            what="Role of each node, according to Patroni.",
            do="A replica that is not in the quorum cannot be promoted without data loss. See its lag.",
            unit="none",
            queries=(
                Query(
                    expr=f"3 * patroni_primary{{{HERE}}} + patroni_replica{{{HERE}}}"
                    f" + patroni_quorum_standby{{{HERE}}} + patroni_sync_standby{{{HERE}}}",
                ),
            ),
            base=Colour.RED,
            meanings={
                0: Meaning(text="no role", colour=Colour.RED),
                1: Meaning(text="replica outside the quorum", colour=Colour.YELLOW),
                2: Meaning(text="replica in the quorum", colour=Colour.GREEN),
                3: Meaning(text="primary", colour=Colour.BLUE),
            },
            alerts=("PostgresPrimaryMissing", "PostgresNodeDown", "PostgresNoQuorumStandby"),
        ),
        Timeline(
            title="Streaming",
            what="Whether each replica streams WAL. The primary shows 'no', because it sends.",
            do="'no' on a replica for more than 30 s: `nexusdev logs` of that node.",
            unit="none",
            queries=(Query(expr=f"patroni_postgres_streaming{{{HERE}}}"),),
            base=Colour.GREY,
            meanings={0: Meaning(text="no", colour=Colour.GREY), 1: Meaning(text="streaming", colour=Colour.GREEN)},
            alerts=("PostgresReplicaNotStreaming",),
        ),
        Graph(
            title="Replica lag",
            what="Bytes of WAL that each replica has not replayed.",
            do="Grows during bulk writes and then decreases. Otherwise restart the replica with `nexusdev restart`.",
            unit="bytes",
            queries=(Query(expr=f"nexus:postgres_replay_lag:bytes{{{HERE}}}"),),
            steps=(Step(value=16777216, colour=Colour.RED, alert="PostgresReplicationLag"),),
        ),
        Graph(
            title="Log written",
            what="Bytes of WAL per second on the primary, which every replica and the archive must process.",
            do="Compare with 'Replica lag': a slower replica falls behind.",
            unit="Bps",
            queries=(Query(expr="max(rate(patroni_xlog_location[$__rate_interval]))", legend="written"),),
        ),
        Graph(
            title="Log kept for slots",
            what="Bytes of WAL that the primary keeps for replication slots.",
            do="An inactive slot keeps WAL up to max_slot_wal_keep_size: drop it, or start its consumer.",
            unit="bytes",
            queries=(Query(expr="max by (slot_name) (pg_replication_slots_pg_wal_lsn_diff)", legend="{{slot_name}}"),),
            alerts=("PostgresSlotAtRisk",),
        ),
    ),
)

ERRORS = Row(
    title="Errors",
    panels=(
        Graph(
            title="Rollbacks and deadlocks",
            what="Rollbacks and deadlocks per second.",
            do="`nexusdev logs` of the primary shows the statements of each deadlock. Take locks in the same order.",
            unit="ops",
            queries=(
                Query(
                    expr=f"sum(rate(pg_stat_database_xact_rollback{{{HERE}}}[$__rate_interval]))", legend="rolled back"
                ),
                Query(expr=f"sum(rate(pg_stat_database_deadlocks{{{HERE}}}[$__rate_interval]))", legend="deadlocks"),
                Query(
                    expr=f"sum(rate(pg_stat_database_conflicts{{{HERE}}}[$__rate_interval]))",
                    legend="cancelled on replicas",
                ),
            ),
            alerts=("PostgresDeadlocks",),
        ),
        Graph(
            title="Locks",
            what="Held and awaited locks, by mode, on the selected nodes.",
            do="A persistent accessexclusivelock blocks all sessions: find it in pg_locks joined with pg_stat_activity.",
            unit="none",
            queries=(Query(expr=f"sum by (mode) (pg_locks_count{{{HERE}}})", legend="{{mode}}"),),
        ),
        Graph(
            title="Temporary files",
            what="Bytes per second that sorts and joins write to disk because work_mem is too small.",
            do="Raise work_mem for that one statement (`set local work_mem = '64MB'`), or add an index.",
            unit="Bps",
            queries=(Query(expr=f"sum by (instance) (rate(pg_stat_database_temp_bytes{{{HERE}}}[$__rate_interval]))"),),
        ),
        Graph(
            title="Log archive",
            what="Segments archived and failed, in the last 5 minutes.",
            do="Failures: check `nexusdev logs` of the primary. Restores need every segment.",
            unit="none",
            queries=(
                Query(expr="sum(increase(pg_stat_archiver_archived_count[5m]))", legend="archived"),
                Query(expr="sum(increase(pg_stat_archiver_failed_count[5m]))", legend="failed"),
            ),
            alerts=("PostgresArchiveFailing",),
        ),
        Graph(
            title="Age of transaction numbers",
            what="Age of the oldest unfrozen row in transactions, by database. At 2 147 483 648, writes stop.",
            do="Find what blocks vacuum (an old transaction or an unused slot), then run `vacuum freeze`.",
            unit="short",
            queries=(Query(expr="max by (datname) (nexus_pg_database_xid_age)", legend="{{datname}}"),),
            steps=(Step(value=1000000000, colour=Colour.RED, alert="PostgresWraparoundNear"),),
            maximum=2147483648,
        ),
        Graph(
            title="What the exporter sees",
            what="Whether postgres_exporter reaches each server. If it does not (0), the server's panels are wrong.",
            do="`nexusdev logs postgres-exporter` shows the cause. Usually the server is down.",
            unit="none",
            queries=(Query(expr=f"pg_up{{{HERE}}}"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="PostgresExporterBlind"),),
            maximum=1,
        ),
    ),
)
