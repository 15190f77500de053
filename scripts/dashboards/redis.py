"""Redis: who is master, do the sentinels agree, and how much memory is left."""

from .common import HERE, failed_last, or_0, ratio, started
from .model import Colour, Dashboard, Meaning, Query, Row, Stat, Step, Timeline
from .redis_parts import ERRORS, LATENCY, LOAD, REPLICATION

WELL = Row(
    title="Overview: leaders and headroom",
    panels=(
        Stat(
            title="Master",
            what="The node that accepts writes.",
            do="None: Sentinel promotes one within 5 s. If not, `nexusdev status` shows which sentinels disagree.",
            unit="none",
            queries=(Query(expr='redis_instance_info{role="master",job="redis"}'),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN),),
            named=True,
            nothing="none",
            alerts=("RedisMasterMissing",),
        ),
        Stat(
            title="Masters",
            what="Must be exactly 1. Two for longer than a failover: writes to one of them will be lost.",
            do="Restart the one that is not the sentinels' master with `nexusdev restart`.",
            unit="none",
            queries=(Query(expr=or_0('count(redis_instance_info{role="master",job="redis"})')),),
            base=Colour.RED,
            steps=(
                Step(value=1, colour=Colour.GREEN, alert="RedisMasterMissing"),
                Step(value=2, colour=Colour.RED, alert="RedisTwoMasters"),
            ),
            alerts=("RedisNodeDown",),
        ),
        Stat(
            title="Sentinel quorum",
            what="Sentinels that report quorum and majority for a failover. Normally three.",
            do="Fewer: run `nexusdev status`. With fewer than two there is no failover.",
            unit="none",
            queries=(Query(expr=or_0("sum(redis_sentinel_master_ckquorum_status)")),),
            base=Colour.RED,
            steps=(
                Step(value=2, colour=Colour.YELLOW, alert="RedisSentinelQuorumLost"),
                Step(value=3, colour=Colour.GREEN),
            ),
            maximum=3,
        ),
        Stat(
            title="Masters reported",
            what="Number of different masters that the sentinels report. Above 1: they disagree.",
            do="Wait 10 s until they exchange their state. If it persists, restart the sentinel that differs.",
            unit="none",
            queries=(Query(expr="count(count by (master_address) (redis_sentinel_master_sentinels))"),),
            base=Colour.RED,
            steps=(
                Step(value=1, colour=Colour.GREEN),
                Step(value=2, colour=Colour.RED, alert="RedisSentinelsDisagree"),
            ),
        ),
        Stat(
            title="Replica links",
            what="Replicas that are connected to the master. Normally two.",
            do="`nexusdev logs redis-0 redis-1 redis-2` shows why a link is down.",
            unit="none",
            queries=(Query(expr=or_0('sum(redis_master_link_up{job="redis"})')),),
            base=Colour.RED,
            steps=(
                Step(value=1, colour=Colour.YELLOW, alert="RedisWritesRefused"),
                Step(value=2, colour=Colour.GREEN),
            ),
            maximum=2,
            alerts=("RedisReplicaLinkDown",),
        ),
        Stat(
            title="Memory used",
            what="Share of maxmemory in use, on the node with the most data. At 1, writes are refused.",
            do="Give keys a TTL, or delete unneeded keys: `nexusdev redis --user nexus_admin --bigkeys`.",
            unit="percentunit",
            queries=(Query(expr="max(nexus:redis_memory:ratio)"),),
            steps=(Step(value=0.9, colour=Colour.RED, alert="RedisMemoryNearLimit"),),
            maximum=1,
            trend=True,
        ),
        Stat(
            title="Keys evicted",
            what="Keys evicted in the last minute because memory was full. None with the stack's policy (noeviction).",
            do="maxmemory-policy was changed. `nexusdev restart redis` resets it. Evicted jobs are lost.",
            unit="none",
            queries=(Query(expr='sum(increase(redis_evicted_keys_total{job="redis"}[1m]))'),),
            steps=(Step(value=1, colour=Colour.RED, alert="RedisEvictions"),),
            alerts=("RedisEvictionPolicy",),
        ),
        Stat(
            title="Cache hit ratio",
            what="Share of reads in the last 5 minutes that found their key. 0 also means that there were no reads.",
            do="Low under load: keys expire too early or are never written.",
            unit="percentunit",
            queries=(
                Query(
                    expr=ratio(
                        'sum(rate(redis_keyspace_hits_total{job="redis"}[5m]))',
                        'sum(rate(redis_keyspace_hits_total{job="redis"}[5m]) + rate(redis_keyspace_misses_total{job="redis"}[5m]))',
                    ),
                ),
            ),
            base=Colour.BLUE,
            maximum=1,
            trend=True,
        ),
    ),
)

ROLES = Timeline(
    title="Master over time",
    what="One band per node, blue while it was master. A change is a failover.",
    do="Expected after a kill or a drill. Many changes: the machine is too slow for Sentinel's timeout of 2 s.",
    unit="none",
    queries=(Query(expr='max by (instance) (redis_instance_info{role="master",job="redis"})'),),
    meanings={1: Meaning(text="master", colour=Colour.BLUE)},
    base=Colour.BLUE,
    width=16,
)

REDIS = Dashboard(
    uid="redis",
    title="Nexus Redis",
    description="Which node is master, whether the sentinels agree, and how much memory is left.",
    instances='component="redis"',
    rows=(
        WELL,
        LOAD,
        LATENCY,
        REPLICATION,
        ERRORS,
        failed_last('component="redis"', started(f"redis_uptime_in_seconds{{{HERE}}}"), ROLES),
    ),
)
