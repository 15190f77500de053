"""Redis below its first row: load, latency, replication and sentinels, errors."""

from .common import HERE, UP, YES, ratio
from .model import Colour, Graph, Query, Row, Step, Timeline

NODES = f'job="redis",{HERE}'

LOAD = Row(
    title="Load",
    panels=(
        Graph(
            title="Commands",
            what="Commands per second that each node executes.",
            do="A replica executes more than the master: an application reads from it, which is allowed.",
            unit="ops",
            queries=(Query(expr=f"rate(redis_commands_processed_total{{{NODES}}}[$__rate_interval])"),),
        ),
        Graph(
            title="Commands by name",
            what="The eight most frequent commands on the selected nodes.",
            do="KEYS or SCAN: an application searches through all keys. Use sets instead.",
            unit="ops",
            queries=(
                Query(
                    expr=f"topk(8, sum by (cmd) (rate(redis_commands_total{{{NODES}}}[$__rate_interval])))",
                    legend="{{cmd}}",
                ),
            ),
        ),
        Graph(
            title="Clients",
            what="Connections to each node. 'blocked' ones wait in commands such as BLPOP.",
            do="If it only grows, an application opens a client for each request.",
            unit="none",
            queries=(
                Query(expr=f"redis_connected_clients{{{NODES}}}", legend="{{instance}} connected"),
                Query(expr=f"redis_blocked_clients{{{NODES}}}", legend="{{instance}} blocked"),
            ),
        ),
        Graph(
            title="Memory",
            what="Memory that Redis uses, and maxmemory.",
            do="At the limit, writes are refused (noeviction): delete keys, or give them a TTL.",
            unit="bytes",
            queries=(
                Query(expr=f"redis_memory_used_bytes{{{NODES}}}", legend="{{instance}} used"),
                Query(expr=f"max(redis_memory_max_bytes{{{NODES}}})", legend="limit"),
            ),
            alerts=("RedisMemoryNearLimit",),
        ),
        Graph(
            title="Keys",
            what="Keys on each node, and keys with a TTL.",
            do="Keys without a TTL fill a cache permanently: give them a TTL.",
            unit="short",
            queries=(
                Query(expr=f"sum by (instance) (redis_db_keys{{{NODES}}})"),
                Query(expr=f"sum by (instance) (redis_db_keys_expiring{{{NODES}}})", legend="{{instance}} with an end"),
            ),
        ),
        Graph(
            title="Traffic",
            what="Bytes per second in and out of each node.",
            do="Much outgoing traffic for few commands: values are large. Read parts of them (HGET, GETRANGE).",
            unit="Bps",
            queries=(
                Query(expr=f"rate(redis_net_input_bytes_total{{{NODES}}}[$__rate_interval])", legend="{{instance}} in"),
                Query(
                    expr=f"rate(redis_net_output_bytes_total{{{NODES}}}[$__rate_interval])", legend="{{instance}} out"
                ),
            ),
        ),
    ),
)

LATENCY = Row(
    title="Latency",
    panels=(
        Graph(
            title="Mean time of a command",
            what="Mean time of the eight slowest commands in the server, without the network.",
            do="Milliseconds: a command processes a large key. `nexusdev redis --user nexus_admin SLOWLOG GET 10` names it.",
            unit="s",
            queries=(
                Query(
                    expr="topk(8, "
                    + ratio(
                        f"sum by (cmd) (rate(redis_commands_duration_seconds_total{{{NODES}}}[5m]))",
                        f"sum by (cmd) (rate(redis_commands_total{{{NODES}}}[5m]))",
                    )
                    + ")",
                    legend="{{cmd}}",
                ),
            ),
        ),
        Graph(
            title="Processor time",
            what="Processors that each node uses. Redis executes commands on one: 1 is the limit.",
            do="Near 1: send fewer or cheaper commands, use pipelines, read from replicas (redis-replica).",
            unit="none",
            queries=(
                Query(
                    expr=f"rate(redis_cpu_user_seconds_total{{{NODES}}}[$__rate_interval])"
                    f" + rate(redis_cpu_sys_seconds_total{{{NODES}}}[$__rate_interval])",
                ),
            ),
            steps=(Step(value=0.9, colour=Colour.RED),),
        ),
        Graph(
            title="Writes waiting for the disk",
            what="Delayed syncs of the append-only file in the last 5 minutes.",
            do="The disk is busy: see 'Pressure' on the infrastructure dashboard.",
            unit="none",
            queries=(Query(expr=f"increase(redis_aof_delayed_fsync{{{NODES}}}[5m])"),),
        ),
    ),
)

REPLICATION = Row(
    title="Replication and sentinels",
    panels=(
        Graph(
            title="Bytes behind the master",
            what="Bytes that the master has written and a replica has not received.",
            do="Grows during a full resync, then decreases to 0. Otherwise check the replica's log.",
            unit="bytes",
            queries=(
                Query(
                    expr=f'scalar(max(redis_master_repl_offset{{job="redis"}})) - redis_slave_repl_offset{{{NODES}}}'
                ),
            ),
        ),
        Timeline(
            title="Replica links over time",
            what="Whether each replica is connected to its master.",
            do="Down for more than 15 s: check `nexusdev logs` of the replica.",
            unit="none",
            queries=(Query(expr=f"redis_master_link_up{{{NODES}}}"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="RedisReplicaLinkDown"),),
            meanings=UP,
            width=8,
        ),
        Graph(
            title="Last contact of the replicas",
            what="Seconds since each replica last acknowledged data. Above 5 s it does not count for min-replicas-to-write.",
            do="One stays high: check `nexusdev logs` of the replica. All: the machine is overloaded.",
            unit="s",
            queries=(
                Query(expr='max by (slave_ip) (redis_connected_slave_lag_seconds{job="redis"})', legend="{{slave_ip}}"),
            ),
            steps=(Step(value=10, colour=Colour.RED, alert="RedisReplicationLag"),),
        ),
        Timeline(
            title="Sentinels ready for a failover",
            what="Whether each sentinel reports quorum and majority for a failover.",
            do="All 'no': two sentinels are down. Run `nexusdev up`.",
            unit="none",
            queries=(Query(expr="max by (instance) (redis_sentinel_master_ckquorum_status)"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert=""),),
            alerts=("RedisSentinelQuorumLost", "RedisSentinelDown"),
            meanings=YES,
            width=8,
        ),
        Graph(
            title="Full and refused partial resyncs",
            what="Full resyncs of replicas in the last 15 minutes.",
            do="Expected after a restart. If frequent, the backlog is too small.",
            unit="none",
            queries=(
                Query(expr=f"increase(redis_replica_resyncs_full{{{NODES}}}[15m])", legend="{{instance}} full"),
                Query(
                    expr=f"increase(redis_replica_partial_resync_denied{{{NODES}}}[15m])", legend="{{instance}} refused"
                ),
            ),
        ),
        Graph(
            title="What each sentinel sees",
            what="Replicas and sentinels that each sentinel considers healthy. Normally two and three.",
            do="A sentinel sees fewer than the others: check its network, or restart it with `nexusdev restart`.",
            unit="none",
            queries=(
                Query(expr="max by (instance) (redis_sentinel_master_ok_slaves)", legend="{{instance}} replicas"),
                Query(expr="max by (instance) (redis_sentinel_master_ok_sentinels)", legend="{{instance}} sentinels"),
            ),
        ),
    ),
)

ERRORS = Row(
    title="Errors",
    panels=(
        Graph(
            title="Rejected connections",
            what="Connections refused because maxclients was reached, in the last minute.",
            do="Use one client or pool per process in the application.",
            unit="none",
            queries=(Query(expr=f"increase(redis_rejected_connections_total{{{NODES}}}[1m])"),),
            steps=(Step(value=1, colour=Colour.RED, alert="RedisRejectedConnections"),),
        ),
        Graph(
            title="Error replies",
            what="Error replies per second.",
            do="`nexusdev redis INFO errorstats` counts them by kind. READONLY: an application writes to a replica.",
            unit="ops",
            queries=(Query(expr=f"rate(redis_total_error_replies{{{NODES}}}[$__rate_interval])"),),
        ),
        Graph(
            title="Evicted and expired keys",
            what="Keys per second that were evicted because memory was full, and that expired.",
            do="Evicted keys are lost data: see 'Memory'.",
            unit="ops",
            queries=(
                Query(
                    expr=f"rate(redis_evicted_keys_total{{{NODES}}}[$__rate_interval])", legend="{{instance}} evicted"
                ),
                Query(
                    expr=f"rate(redis_expired_keys_total{{{NODES}}}[$__rate_interval])", legend="{{instance}} expired"
                ),
            ),
            alerts=("RedisEvictions",),
        ),
        Graph(
            title="Denied by ACL",
            what="Logins, commands, keys and channels that the ACL refused in the last 2 minutes, on all nodes.",
            do="`nexusdev redis --user nexus_admin ACL LOG` shows user and command. nexus_app has no rights of administrators.",
            unit="none",
            queries=tuple(
                Query(expr=f"sum(increase(redis_acl_access_denied_{kind}_total{{{HERE}}}[2m]))", legend=word)
                for kind, word in (("auth", "login"), ("cmd", "command"), ("key", "key"), ("channel", "channel"))
            ),
            alerts=("RedisLoginsFailing", "RedisAccessDenied"),
        ),
        Timeline(
            title="Saving to disk",
            what="Whether the last save and the last write to the append-only file succeeded.",
            do="'no': the volume is full or slow. Redis refuses writes until a save succeeds.",
            unit="none",
            queries=(
                Query(expr=f"redis_aof_last_write_status{{{NODES}}}", legend="{{instance}} append-only file"),
                Query(expr=f"redis_rdb_last_bgsave_status{{{NODES}}}", legend="{{instance}} snapshot"),
            ),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="RedisPersistenceFailing"),),
            meanings=YES,
            width=8,
        ),
        Timeline(
            title="Servers that answer",
            what="Nodes and sentinels, and the sentinels through the relay for host applications.",
            do="Check `nexusdev logs` of a red one. `nexusdev up` starts stopped services.",
            unit="none",
            queries=(
                Query(expr=f'max by (instance) (redis_up{{{HERE}, job!="sentinel-relay"}})'),
                Query(
                    expr=f'max by (instance) (redis_up{{{HERE}, job="sentinel-relay"}})', legend="relay to {{instance}}"
                ),
            ),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN),),
            meanings=UP,
            alerts=("RedisNodeDown", "RedisSentinelDown", "RedisRelayDown"),
            width=8,
        ),
    ),
)
