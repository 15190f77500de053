"""The drills of PostgreSQL, etcd and PgBouncer. The figures are those of Patroni's settings in compose/postgres/patroni.yml."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.components.postgres.names import POOL, STORE_GROUP
from nexusdev.faults import Fault

_LEASE = "Patroni's lease of the leader (ttl 20 s) must end before a replica may be promoted"
_ENDED = "the lease of a server that has provably ended is deleted; without watch or with --no-fencing it must end first (20 s)"
_SINGLE = "there is one PgBouncer: its clients wait until it is back"
_STALE = "a replica is behind by design"
#: A promotion after the end of the lease, and the same where the lease is deleted because the server has provably ended.
_LEASED, _FENCED = 25.0, 4.0
_QUICK = ClientGoal(write_gap=_FENCED, unfenced=_LEASED, read_gap=_FENCED, linearizable=True, why=_ENDED)
_SLOW = ClientGoal(write_gap=_LEASED, read_gap=_LEASED, linearizable=True, why=_LEASE)
_STEADY = ClientGoal(write_gap=2.0, read_gap=2.0, linearizable=True)
_REPLICA = ClientGoal(read_gap=4.0, why=_STALE)
_PRIMARY, _A_REPLICA = Victim(role="primary"), Victim(role="replica")

SCENARIOS = (
    Scenario(
        name="postgres-primary-kill",
        hypothesis="A replica is promoted, and no acknowledged write is lost.",
        fault=Fault.KILL,
        victim=_PRIMARY,
        clients={"postgres.direct": _QUICK, "postgres.pool": _QUICK, "postgres.replica": _REPLICA},
    ),
    Scenario(
        name="postgres-primary-crash",
        hypothesis="A replica is promoted while the primary is started again, which then follows it.",
        fault=Fault.CRASH,
        victim=_PRIMARY,
        clients={"postgres.direct": _SLOW, "postgres.pool": _SLOW},
    ),
    Scenario(
        name="postgres-primary-pause",
        hypothesis="A replica is promoted after the lease has ended; the paused primary does not take a write when it goes on.",
        fault=Fault.PAUSE,
        victim=_PRIMARY,
        clients={"postgres.direct": _SLOW, "postgres.pool": _SLOW},
    ),
    Scenario(
        name="postgres-primary-partition",
        hypothesis="A replica is promoted after the lease has ended; the old primary steps down by itself.",
        fault=Fault.PARTITION,
        victim=_PRIMARY,
        clients={"postgres.direct": _SLOW, "postgres.pool": _SLOW},
    ),
    Scenario(
        name="postgres-replica-kill",
        hypothesis="Writes go on with the other replica in the quorum; readers move to it.",
        fault=Fault.KILL,
        victim=_A_REPLICA,
        clients={"postgres.direct": _STEADY, "postgres.replica": _REPLICA},
    ),
    Scenario(
        name="postgres-replica-pause",
        hypothesis="Writes go on with the other replica in the quorum; readers move to it.",
        fault=Fault.PAUSE,
        victim=_A_REPLICA,
        clients={"postgres.direct": _STEADY, "postgres.replica": _REPLICA},
    ),
    Scenario(
        name="postgres-replica-partition",
        hypothesis="Writes go on with the other replica in the quorum; readers move to it.",
        fault=Fault.PARTITION,
        victim=_A_REPLICA,
        clients={"postgres.direct": _STEADY, "postgres.replica": _REPLICA},
    ),
    Scenario(
        name="etcd-member-kill",
        hypothesis="Two of three members are a quorum: clients of PostgreSQL notice nothing.",
        fault=Fault.KILL,
        victim=Victim(group=STORE_GROUP),
        clients={"postgres.direct": _STEADY},
    ),
    Scenario(
        name="etcd-leader-pause",
        hypothesis="The other members elect a leader before Patroni's lease ends: clients of PostgreSQL notice nothing.",
        fault=Fault.PAUSE,
        victim=Victim(group=STORE_GROUP, role="leader"),
        clients={"postgres.direct": _STEADY},
    ),
    Scenario(
        name="etcd-quorum-kill",
        hypothesis="Without etcd's quorum the primary keeps writing, because all members of Patroni agree (failsafe_mode).",
        fault=Fault.KILL,
        victim=Victim(group=STORE_GROUP, count=2),
        hold=30.0,
        clients={"postgres.direct": _STEADY},
    ),
    Scenario(
        name="pgbouncer-crash",
        hypothesis="PgBouncer is started again; clients of the primary notice nothing.",
        fault=Fault.CRASH,
        victim=Victim(group=POOL),
        clients={
            "postgres.pool": ClientGoal(write_gap=8.0, read_gap=8.0, linearizable=True),
            "postgres.direct": _STEADY,
        },
    ),
    Scenario(
        name="pgbouncer-kill",
        hypothesis="Clients of the pool wait until it is back; clients of the primary notice nothing.",
        fault=Fault.KILL,
        victim=Victim(group=POOL),
        recovers=False,
        clients={"postgres.pool": ClientGoal(linearizable=True, why=_SINGLE), "postgres.direct": _STEADY},
    ),
)
