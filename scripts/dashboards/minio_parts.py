"""MinIO below its first row: load, latency, drives and quorum, errors."""

from .common import HERE, UP, or_0
from .model import Bars, Colour, Graph, Query, Row, Step, Timeline

#: Numbers of each node by itself; the job `minio-cluster` has the same ones once more.
NODE = f'job="minio-node",{HERE}'

LOAD = Row(
    title="Load",
    panels=(
        Graph(
            title="Requests",
            what="Requests per second by kind, on the chosen nodes.",
            do="Many lists: the application looks for what it could name.",
            unit="reqps",
            queries=(
                Query(
                    expr=f"sum by (api) (rate(minio_s3_requests_total{{{NODE}}}[$__rate_interval]))", legend="{{api}}"
                ),
            ),
        ),
        Graph(
            title="Traffic",
            what="Bytes per second that clients send and receive.",
            do="Nothing while your application works: look at AWS_ENDPOINT_URL_S3 in its environment.",
            unit="Bps",
            queries=(
                Query(
                    expr=f"sum(rate(minio_s3_traffic_received_bytes{{{NODE}}}[$__rate_interval]))", legend="received"
                ),
                Query(expr=f"sum(rate(minio_s3_traffic_sent_bytes{{{NODE}}}[$__rate_interval]))", legend="sent"),
            ),
        ),
        Graph(
            title="Requests waiting",
            what="Requests that came in and those that wait for their turn, now.",
            do="Waiting for long: more parallel uploads than the machine carries; send fewer at once.",
            unit="none",
            queries=(
                Query(expr=f"sum(minio_s3_requests_incoming_total{{{NODE}}})", legend="incoming"),
                Query(expr=f"sum(minio_s3_requests_waiting_total{{{NODE}}})", legend="waiting"),
            ),
        ),
        Graph(
            title="Buckets",
            what="Bytes in each bucket, counted by MinIO's scanner (some minutes late).",
            do="nexus-backups grows with each backup; its lifecycle removes the old ones.",
            unit="bytes",
            queries=(Query(expr="max by (bucket) (minio_bucket_usage_total_bytes)", legend="{{bucket}}"),),
        ),
        Graph(
            title="Objects",
            what="Objects and versions in each bucket. Versioned buckets keep what was overwritten.",
            do="Many more versions than objects: shorten the lifecycle of old versions.",
            unit="short",
            queries=(
                Query(expr="max by (bucket) (minio_bucket_usage_object_total)", legend="{{bucket}}"),
                Query(expr="max by (bucket) (minio_bucket_usage_version_total)", legend="{{bucket}} versions"),
            ),
        ),
        Graph(
            title="Memory of the nodes",
            what="Resident memory of each node.",
            do="Each has a limit and is restarted at it: send large uploads in smaller parts.",
            unit="bytes",
            queries=(Query(expr=f"minio_process_resident_memory_bytes{{{NODE}}}"),),
        ),
    ),
)

LATENCY = Row(
    title="Latency",
    panels=(
        Graph(
            title="Time to first byte, slowest 5 %",
            what="From request to the first byte of the reply, by kind of request, in the last 5 minutes.",
            do="Slow writes: the slowest of three drives decides; see 'Waiting for drives' and 'Pressure'.",
            unit="s",
            queries=(
                Query(
                    expr="histogram_quantile(0.95, sum by (api, le)"
                    f" (rate(minio_s3_requests_ttfb_seconds_distribution{{{NODE}}}[5m])))",
                    legend="{{api}}",
                ),
            ),
        ),
        Graph(
            title="Waiting for drives",
            what="Operations that wait for each node's drive.",
            do="One drive that waits while others do not: that volume is slow.",
            unit="none",
            queries=(Query(expr=f"minio_node_drive_io_waiting{{{NODE}}}"),),
        ),
        Graph(
            title="Connecting to other nodes",
            what="Mean time that nodes take to connect to each other.",
            do="More than some milliseconds on one machine: its processors are busy.",
            unit="ns",
            queries=(Query(expr=f"minio_inter_node_traffic_dial_avg_time{{{NODE}}}"),),
        ),
    ),
)

QUORUM = Row(
    title="Drives and quorum",
    panels=(
        Timeline(
            title="Drive of each node",
            what="Whether each node's drive is online.",
            do="Red with its node running: a broken volume. `nexusdev logs` of that node says what; `nexusdev restart` it.",
            unit="none",
            queries=(Query(expr=f"minio_node_drive_online_total{{{NODE}}}"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN),),
            meanings=UP,
            alerts=("MinioDriveOffline",),
            width=8,
        ),
        Graph(
            title="Drives online and quorums",
            what="Drives online, against what reading and writing need.",
            do="At the line of writing nothing more may fail; below it only reads work.",
            unit="none",
            queries=(
                Query(expr="min(minio_cluster_health_erasure_set_online_drives)", legend="online"),
                Query(expr="max(minio_cluster_health_erasure_set_write_quorum)", legend="needed to write"),
                Query(expr="max(minio_cluster_health_erasure_set_read_quorum)", legend="needed to read"),
            ),
            maximum=4,
            alerts=("MinioWriteQuorumAtRisk", "MinioWriteQuorumLost"),
        ),
        Bars(
            title="Space free, by node",
            what="Bytes that are free where each node's drive lies.",
            do="All the same: they share your machine's disk, and so does everything else on it.",
            unit="bytes",
            queries=(Query(expr=f"minio_node_drive_free_bytes{{{NODE}}}"),),
            base=Colour.BLUE,
        ),
        Graph(
            title="Healing",
            what="Objects that were looked at for healing and are not healed yet, and those that were, in the last 5 minutes.",
            do="Follows the return of a node, and ends by itself: do not stop another node meanwhile.",
            unit="none",
            queries=(
                Query(
                    expr=or_0(
                        'sum(increase(minio_heal_objects_total{job="minio-cluster"}[5m]))'
                        ' - sum(increase(minio_heal_objects_heal_total{job="minio-cluster"}[5m]))'
                    ),
                    legend="to heal",
                ),
                Query(
                    expr=or_0('sum(increase(minio_heal_objects_heal_total{job="minio-cluster"}[5m]))'), legend="healed"
                ),
            ),
            steps=(Step(value=100, colour=Colour.RED, alert="MinioHealBacklog"),),
            alerts=("MinioHealing",),
            width=12,
        ),
        Graph(
            title="Lifecycle tasks waiting",
            what="Objects that are due to expire and have not been removed yet.",
            do="Grows only while a node is away or a bucket is emptied; else the scanner is behind.",
            unit="none",
            queries=(Query(expr="max by (server) (minio_node_ilm_expiry_pending_tasks)", legend="{{server}}"),),
            width=12,
        ),
    ),
)

ERRORS = Row(
    title="Errors",
    panels=(
        Graph(
            title="Failed requests",
            what="Requests per second that ended in an error, by kind, on the chosen nodes.",
            do="5xx: quorum or drives, see above. 4xx: the application asks for what is not there or not allowed.",
            alerts=("MinioServerErrors",),
            unit="reqps",
            queries=(
                Query(
                    expr=f"sum by (api) (rate(minio_s3_requests_errors_total{{{NODE}}}[$__rate_interval]))",
                    legend="{{api}} failed",
                ),
                Query(
                    expr=f"sum by (api) (rate(minio_s3_requests_4xx_errors_total{{{NODE}}}[$__rate_interval]))",
                    legend="{{api}} 4xx",
                ),
                Query(expr=or_0("sum(rate(minio_s3_requests_5xx_errors_total[$__rate_interval]))"), legend="5xx"),
            ),
        ),
        Graph(
            title="Rejected requests",
            what="Refused before anything was done: wrong key, bad header, clock, form; in the last 2 minutes.",
            do="'timestamp': the client's clock is off. 'auth': its keys are old, renew its env file.",
            unit="none",
            queries=tuple(
                Query(expr=f"sum(increase(minio_s3_requests_rejected_{kind}_total{{{NODE}}}[2m]))", legend=kind)
                for kind in ("auth", "header", "invalid", "timestamp")
            ),
            alerts=("MinioRequestsRefused",),
        ),
        Graph(
            title="Drive errors",
            what="Errors and timeouts of each node's drive, in the last 15 minutes.",
            do="Any: `nexusdev logs` of that node; on one machine it is usually the disk that is full.",
            unit="none",
            queries=(
                Query(expr=f"increase(minio_node_drive_errors_ioerror{{{NODE}}}[15m])", legend="{{instance}} errors"),
                Query(expr=f"increase(minio_node_drive_errors_timeout{{{NODE}}}[15m])", legend="{{instance}} timeouts"),
            ),
        ),
    ),
)
