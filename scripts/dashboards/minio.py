"""MinIO: is every object safe, can it be written, and how much space is left."""

from .common import HERE, failed_last, started
from .minio_parts import ERRORS, LATENCY, LOAD, QUORUM
from .model import Colour, Dashboard, Graph, Meaning, Query, Row, Stat, Step

WELL = Row(
    title="Overview: writes and space",
    panels=(
        Stat(
            title="Takes writes",
            what="Whether MinIO reports enough online drives for writes.",
            do="'no': two nodes are down; reads still work. `nexusdev up` starts them.",
            unit="none",
            queries=(Query(expr="min(minio_cluster_health_status)"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN),),
            alerts=("MinioWriteQuorumLost",),
            meanings={0: Meaning(text="no", colour=Colour.RED), 1: Meaning(text="yes", colour=Colour.GREEN)},
        ),
        Stat(
            title="Drives to spare",
            what="Online drives minus the write quorum: number of drives that may fail before writes stop. Normally 1.",
            do="0: the next failure stops writes. Start the missing node now: `nexusdev up`.",
            unit="none",
            queries=(Query(expr="min(nexus:minio_write_slack:drives)"),),
            base=Colour.RED,
            steps=(
                Step(value=0, colour=Colour.YELLOW, alert="MinioWriteQuorumLost"),
                Step(value=1, colour=Colour.GREEN, alert="MinioWriteQuorumAtRisk"),
            ),
            minimum=None,
        ),
        Stat(
            title="Nodes offline",
            what="Nodes that the other nodes do not reach. Must be 0.",
            do="`nexusdev status` names it. `nexusdev up` starts it, and its data is healed.",
            unit="none",
            queries=(Query(expr="max(minio_cluster_nodes_offline_total)"),),
            steps=(Step(value=1, colour=Colour.RED),),
            alerts=("MinioNodeOffline",),
        ),
        Stat(
            title="Drives offline",
            what="Drives that do not answer. Must be 0.",
            do="If its node is online, the volume is broken: check `nexusdev logs` of the node.",
            unit="none",
            queries=(Query(expr="max(minio_cluster_drive_offline_total)"),),
            steps=(Step(value=1, colour=Colour.RED, alert="MinioDriveOffline"),),
        ),
        Stat(
            title="Drives healing",
            what="Drives that are being refilled from the others. Normally 0.",
            do="Wait until it ends. Do not stop another node meanwhile.",
            unit="none",
            queries=(Query(expr="sum(minio_cluster_health_erasure_set_healing_drives)"),),
            steps=(Step(value=1, colour=Colour.YELLOW, alert="MinioHealing"),),
        ),
        Stat(
            title="Space free",
            what="Share of the usable space that is free. The drives are on this machine's disk.",
            do="Remove objects and old versions, or free space on the machine. Writes fail when it is full.",
            unit="percentunit",
            queries=(Query(expr="min(nexus:minio_free:ratio)"),),
            base=Colour.RED,
            steps=(
                Step(value=0.1, colour=Colour.YELLOW, alert="MinioCapacityLow"),
                Step(value=0.2, colour=Colour.GREEN),
            ),
            maximum=1,
        ),
        Stat(
            title="Bytes free",
            what="Free usable bytes, after parity.",
            do="Below 10 GiB and below 10 %: free space on the machine, or remove objects and old versions.",
            unit="bytes",
            queries=(Query(expr="min(minio_cluster_capacity_usable_free_bytes)"),),
            base=Colour.YELLOW,
            steps=(Step(value=10737418240, colour=Colour.GREEN, alert="MinioCapacityLow"),),
        ),
        Stat(
            title="Encryption keys",
            what="Whether every node reaches the key that encrypts objects at rest.",
            do="'away': reads and writes of encrypted objects fail. See `nexusdev logs minio-0`.",
            unit="none",
            queries=(Query(expr="min(minio_cluster_kms_online)"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="MinioEncryptionUnavailable"),),
            meanings={0: Meaning(text="away", colour=Colour.RED), 1: Meaning(text="there", colour=Colour.GREEN)},
        ),
    ),
)

NETWORK = Graph(
    title="Nodes that did not reach each other",
    what="Failed connections between nodes, in the last 15 minutes.",
    do="Expected while a node is down. Without that: the machine is overloaded, or a certificate does not carry the name.",
    unit="none",
    queries=(
        Query(
            expr=f'increase(minio_inter_node_traffic_dial_errors{{job="minio-node",{HERE}}}[15m])',
            legend="{{instance}} not reached",
        ),
        Query(
            expr=f'increase(minio_inter_node_traffic_errors_total{{job="minio-node",{HERE}}}[15m])',
            legend="{{instance}} broken off",
        ),
    ),
    width=16,
)

MINIO = Dashboard(
    uid="minio",
    title="Nexus MinIO",
    description="Whether every object is safe, whether writes work, and how much space is left.",
    instances='component="minio"',
    rows=(
        WELL,
        LOAD,
        LATENCY,
        QUORUM,
        ERRORS,
        failed_last(
            'component="minio"',
            started(f'time() - minio_process_start_time_seconds{{job="minio-node",{HERE}}}'),
            NETWORK,
        ),
    ),
)
