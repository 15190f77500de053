"""The drills of MinIO: four nodes in one erasure set with parity 2, so three nodes are needed to write and two to read."""

from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.components.minio.names import GROUP
from nexusdev.faults import Fault

_RETRY = "a request that the node had taken is sent again after the client's read timeout of 3 s"
_NODE = ClientGoal(write_gap=6.0, read_gap=6.0, why=_RETRY)
_QUORUM = "writes need three of four nodes (write quorum of EC:2)"

SCENARIOS = (
    Scenario(
        name="minio-node-kill",
        hypothesis="Three of four nodes take reads and writes.",
        fault=Fault.KILL,
        victim=Victim(group=GROUP),
        clients={"minio.s3": _NODE},
    ),
    Scenario(
        name="minio-node-pause",
        hypothesis="Three of four nodes take reads and writes.",
        fault=Fault.PAUSE,
        victim=Victim(group=GROUP),
        clients={"minio.s3": _NODE},
    ),
    Scenario(
        name="minio-two-nodes-kill",
        hypothesis="Two of four nodes take reads and refuse writes, which work again when the nodes are back.",
        fault=Fault.KILL,
        victim=Victim(group=GROUP, count=2),
        recovers=False,
        clients={"minio.s3": ClientGoal(read_gap=8.0, why=_QUORUM)},
    ),
)
