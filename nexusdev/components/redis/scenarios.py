"""The drills of Redis and its sentinels. The figures are those of compose/redis/: down-after 1.5 s, min-replicas-to-write 1."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.faults import Fault

_ASYNC = (
    "Redis replicates asynchronously and does not promise to keep acknowledged writes through a failover; "
    "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/"
)
_FAILOVER = ClientGoal(write_gap=6.0, read_gap=6.0, lost=None, why=_ASYNC)
_STEADY = ClientGoal(write_gap=2.0, read_gap=2.0)
_MASTER, _REPLICA = Victim(role="master"), Victim(role="replica")

SCENARIOS = (
    Scenario(
        name="redis-master-kill",
        hypothesis="The sentinels promote a replica.",
        fault=Fault.KILL,
        victim=_MASTER,
        clients={"redis.direct": _FAILOVER, "redis.sentinel": _FAILOVER},
    ),
    Scenario(
        name="redis-master-crash",
        hypothesis="The master is started again or replaced by a replica, with its data.",
        fault=Fault.CRASH,
        victim=_MASTER,
        clients={"redis.direct": _FAILOVER, "redis.sentinel": _FAILOVER},
    ),
    Scenario(
        name="redis-master-pause",
        hypothesis="The sentinels promote a replica; the paused master follows it when it goes on.",
        fault=Fault.PAUSE,
        victim=_MASTER,
        clients={"redis.direct": _FAILOVER, "redis.sentinel": _FAILOVER},
    ),
    Scenario(
        name="redis-master-partition",
        hypothesis="The sentinels promote a replica; the old master refuses writes, as no replica follows it any more.",
        fault=Fault.PARTITION,
        victim=_MASTER,
        clients={"redis.direct": _FAILOVER, "redis.sentinel": _FAILOVER},
    ),
    Scenario(
        name="redis-replica-kill",
        hypothesis="Writes go on: one replica is enough for min-replicas-to-write.",
        fault=Fault.KILL,
        victim=_REPLICA,
        clients={"redis.direct": _STEADY, "redis.sentinel": _STEADY},
    ),
    Scenario(
        name="redis-replica-pause",
        hypothesis="Writes go on: one replica is enough for min-replicas-to-write.",
        fault=Fault.PAUSE,
        victim=_REPLICA,
        clients={"redis.direct": _STEADY, "redis.sentinel": _STEADY},
    ),
    Scenario(
        name="redis-sentinel-kill",
        hypothesis="Two sentinels are enough: clients notice nothing.",
        fault=Fault.KILL,
        victim=Victim(group="sentinel"),
        clients={"redis.direct": _STEADY, "redis.sentinel": ClientGoal(write_gap=4.0, read_gap=4.0)},
    ),
    Scenario(
        name="redis-sentinel-pause",
        hypothesis="Two sentinels are enough: clients notice nothing.",
        fault=Fault.PAUSE,
        victim=Victim(group="sentinel"),
        clients={"redis.direct": _STEADY, "redis.sentinel": ClientGoal(write_gap=4.0, read_gap=4.0)},
    ),
)
