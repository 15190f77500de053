"""The drills of Vault: three nodes of one raft cluster, which elect another active node and unseal by themselves."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.faults import Fault

_FAILOVER = ClientGoal(write_gap=6.0, read_gap=6.0, linearizable=True)
_SLOW = ClientGoal(
    write_gap=12.0,
    read_gap=12.0,
    linearizable=True,
    why="a paused node keeps its connections: clients wait for their timeout of 3 s, the others for raft's",
)
_STEADY = ClientGoal(write_gap=3.0, read_gap=3.0, linearizable=True)

SCENARIOS = (
    Scenario(
        name="vault-active-kill",
        hypothesis="Another node becomes active; the killed one comes back unsealed.",
        fault=Fault.KILL,
        victim=Victim(role="active"),
        clients={"vault.kv": _FAILOVER},
    ),
    Scenario(
        name="vault-active-crash",
        hypothesis="Another node becomes active; the crashed one is started again and comes back unsealed.",
        fault=Fault.CRASH,
        victim=Victim(role="active"),
        clients={"vault.kv": _FAILOVER},
    ),
    Scenario(
        name="vault-active-pause",
        hypothesis="Another node becomes active; the paused one steps down when it goes on.",
        fault=Fault.PAUSE,
        victim=Victim(role="active"),
        clients={"vault.kv": _SLOW},
    ),
    Scenario(
        name="vault-standby-kill",
        hypothesis="Two of three nodes are a quorum: clients notice nothing.",
        fault=Fault.KILL,
        victim=Victim(role="standby"),
        clients={"vault.kv": _STEADY},
    ),
    Scenario(
        name="vault-standby-pause",
        hypothesis="Two of three nodes are a quorum: clients notice nothing.",
        fault=Fault.PAUSE,
        victim=Victim(role="standby"),
        clients={"vault.kv": _STEADY},
    ),
)
