"""The drills of the gateway, which every client goes through."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.faults import Fault

_SINGLE = "there is one proxy for these roles: its clients wait until it is back"
_CLIENTS = ("postgres.direct", "redis.direct", "minio.s3", "vault.kv")

SCENARIOS = (
    Scenario(
        name="gateway-crash",
        hypothesis="The proxy of the leading servers is started again, and every client works again.",
        fault=Fault.CRASH,
        victim=Victim(group="gateway-rw"),
        clients={name: ClientGoal(write_gap=10.0, read_gap=10.0) for name in _CLIENTS},
    ),
    Scenario(
        name="gateway-kill",
        hypothesis="Clients wait until the proxy is back; no server changes its role.",
        fault=Fault.KILL,
        victim=Victim(group="gateway-rw"),
        recovers=False,
        clients={name: ClientGoal(why=_SINGLE) for name in _CLIENTS},
    ),
)
