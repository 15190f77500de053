"""Redis: who is master, do the sentinels agree, and how much memory is left."""

from .common import HERE, failed_last, or_0, ratio, started
from .model import Colour, Dashboard, Meaning, Query, Row, Stat, Step, Timeline
from .redis_parts import ERRORS, LATENCY, LOAD, REPLICATION

WELL = Row(
    title="Is it well, who leads, how much is left?",
    panels=(
        Stat(
            title="Master",
            what="The node that takes writes.",
            do="None: sentinels elect one within 5 s; if not, `nexusdev status` says which of them do not agree.",
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
            what="Must be exactly 1. Two for longer than a failover: one of them takes writes that will be thrown away.",
            do="`nexusdev restart` the one that the sentinels do not name.",
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
            what="Sentinels that say the quorum and the majority for a failover are there. Three when all is well.",
            do="Fewer: `nexusdev status`; with fewer than two nobody replaces a dead master.",
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
            title="Masters named",
            what="How many different masters the sentinels name. More than 1: they do not agree.",
            do="Wait 10 s: they learn from each other. If it stays, restart the sentinel that stands alone.",
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
            what="Replicas that receive what the master writes. Two when all is well.",
            do="`nexusdev logs redis-0 redis-1 redis-2`: the replica says why its link is down.",
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
            what="Share of maxmemory on the fullest node. At 1 writes are refused.",
            do="Give keys a time to live, or delete what is not needed: `nexusdev redis --user nexus_admin --bigkeys`.",
            unit="percentunit",
            queries=(Query(expr="max(nexus:redis_memory:ratio)"),),
            steps=(Step(value=0.9, colour=Colour.RED, alert="RedisMemoryNearLimit"),),
            maximum=1,
            trend=True,
        ),
        Stat(
            title="Keys evicted",
            what="Keys that were evicted in the last minute because memory was full. With the stack's policy (noeviction) there are none.",
            do="Somebody changed maxmemory-policy. `nexusdev restart redis` sets it again; jobs that were evicted are lost.",
            unit="none",
            queries=(Query(expr='sum(increase(redis_evicted_keys_total{job="redis"}[1m]))'),),
            steps=(Step(value=1, colour=Colour.RED, alert="RedisEvictions"),),
            alerts=("RedisEvictionPolicy",),
        ),
        Stat(
            title="Cache hit ratio",
            what="Share of reads in the last 5 minutes that found their key. 0 also means that nobody read.",
            do="Low under load: keys expire too early, or are never written.",
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
    do="Expected after a kill or a drill. Many changes: the machine is too slow for the sentinels' patience of 2 s.",
    unit="none",
    queries=(Query(expr='max by (instance) (redis_instance_info{role="master",job="redis"})'),),
    meanings={1: Meaning(text="master", colour=Colour.BLUE)},
    base=Colour.BLUE,
    width=16,
)

REDIS = Dashboard(
    uid="redis",
    title="Nexus Redis",
    description="Who is master, do the sentinels agree, and how much memory is left.",
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
