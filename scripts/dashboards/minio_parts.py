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
            do="Many list requests: the application searches for objects whose names it could store.",
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
            do="No traffic while your application runs: check AWS_ENDPOINT_URL_S3 in its environment.",
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
            what="Incoming and queued requests, now.",
            do="If requests stay queued, there are too many parallel uploads: send fewer at once.",
            unit="none",
            queries=(
                Query(expr=f"sum(minio_s3_requests_incoming_total{{{NODE}}})", legend="incoming"),
                Query(expr=f"sum(minio_s3_requests_waiting_total{{{NODE}}})", legend="waiting"),
            ),
        ),
        Graph(
            title="Buckets",
            what="Bytes in each bucket, counted by MinIO's scanner (some minutes late).",
            do="nexus-backups grows with each backup. Its lifecycle removes old ones.",
            unit="bytes",
            queries=(Query(expr="max by (bucket) (minio_bucket_usage_total_bytes)", legend="{{bucket}}"),),
        ),
        Graph(
            title="Objects",
            what="Objects and versions in each bucket. Versioned buckets keep overwritten objects.",
            do="Many more versions than objects: shorten the lifetime of old versions.",
            unit="short",
            queries=(
                Query(expr="max by (bucket) (minio_bucket_usage_object_total)", legend="{{bucket}}"),
                Query(expr="max by (bucket) (minio_bucket_usage_version_total)", legend="{{bucket}} versions"),
            ),
        ),
        Graph(
            title="Memory of the nodes",
            what="Resident memory of each node.",
            do="Each node is restarted at its limit. Send large uploads in smaller parts.",
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
            do="Slow writes: the slowest of three drives determines the time. See 'Waiting for drives' and 'Pressure'.",
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
            do="Only one drive waits: its volume is slow.",
            unit="none",
            queries=(Query(expr=f"minio_node_drive_io_waiting{{{NODE}}}"),),
        ),
        Graph(
            title="Connecting to other nodes",
            what="Mean time that nodes take to connect to each other.",
            do="More than a few milliseconds on one machine: the processors are busy.",
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
            do="Red while its node runs: the volume is broken. Check `nexusdev logs` of the node, then restart it with `nexusdev restart`.",
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
            what="Online drives, and the quorums for reads and writes.",
            do="At the write quorum, no drive may fail. Below it, only reads work.",
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
            what="Free bytes on the disk of each node's drive.",
            do="All are equal, because they share this machine's disk.",
            unit="bytes",
            queries=(Query(expr=f"minio_node_drive_free_bytes{{{NODE}}}"),),
            base=Colour.BLUE,
        ),
        Graph(
            title="Healing",
            what="Objects that were checked but not healed yet, and healed objects, in the last 5 minutes.",
            do="Expected after a node returns; it ends without intervention. Do not stop another node meanwhile.",
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
            what="Expired objects that are not removed yet.",
            do="Grows while a node is down or a bucket is emptied. Otherwise the scanner is too slow.",
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
            what="Failed requests per second, by kind, on the selected nodes.",
            do="5xx: check quorum and drives above. 4xx: the application requests missing or forbidden objects.",
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
            what="Requests refused in the last 2 minutes because of a wrong key, header, clock or format.",
            do="'timestamp': the client's clock is wrong. 'auth': its keys are old; renew its env file.",
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
            do="Check `nexusdev logs` of the node. Usually the disk is full.",
            unit="none",
            queries=(
                Query(expr=f"increase(minio_node_drive_errors_ioerror{{{NODE}}}[15m])", legend="{{instance}} errors"),
                Query(expr=f"increase(minio_node_drive_errors_timeout{{{NODE}}}[15m])", legend="{{instance}} timeouts"),
            ),
        ),
    ),
)
