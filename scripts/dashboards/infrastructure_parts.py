"""Infrastructure, the parts between the products: the gateway, etcd, nexusdev itself, and the monitoring."""

from .model import Bars, Colour, Graph, Query, Row, Stat, Step, Timeline

GATEWAY = Row(
    title="Gateway: roles and their servers",
    panels=(
        Timeline(
            title="Servers behind each role",
            what="Number of servers that accept new connections for a role. Red: none.",
            do="No server for a role: run `nexusdev status` for its component. The gateway notices changes within a second.",
            unit="none",
            queries=(Query(expr="nexus:gateway_servers:count", legend="{{role}}"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="GatewayBackendDown"),),
            alerts=("GatewayDown",),
        ),
        Graph(
            title="Sessions by role",
            what="Open connections of applications through the gateway.",
            do="If it only grows, an application does not close its connections.",
            unit="none",
            queries=(
                Query(expr='sum by (proxy) (haproxy_frontend_current_sessions{proxy!="observe"})', legend="{{proxy}}"),
            ),
            width=12,
        ),
        Graph(
            title="Traffic by role",
            what="Bytes per second through the gateway, both directions together.",
            do="No traffic while your application runs: it does not use the gateway, or it has failed.",
            unit="Bps",
            queries=(
                Query(
                    expr="sum by (proxy) (rate(haproxy_frontend_bytes_in_total[$__rate_interval])"
                    " + rate(haproxy_frontend_bytes_out_total[$__rate_interval]))",
                    legend="{{proxy}}",
                ),
            ),
        ),
        Graph(
            title="Connections of the limit",
            what="Share of each gateway's connection limit in use (4000: two for each client).",
            do="Near 1: new clients wait. Find the application that does not close its connections in 'Sessions by role'.",
            unit="percentunit",
            queries=(
                Query(expr="haproxy_process_current_connections / clamp_min(haproxy_process_max_connections, 1)"),
            ),
            steps=(Step(value=0.8, colour=Colour.RED, alert="GatewayConnectionsNearLimit"),),
            maximum=1,
        ),
        Graph(
            title="Failed connections and checks",
            what="Failed connections to servers, and servers that changed from up to down, per second.",
            do="Expected during a failover. Otherwise: `nexusdev logs gateway-rw gateway-ro`.",
            unit="cps",
            queries=(
                Query(
                    expr="sum by (proxy) (rate(haproxy_backend_connection_errors_total[$__rate_interval]))",
                    legend="{{proxy}} refused",
                ),
                Query(
                    expr="sum by (proxy) (rate(haproxy_backend_check_up_down_total[$__rate_interval]))",
                    legend="{{proxy}} went down",
                ),
            ),
            alerts=("GatewayServerFlapping",),
        ),
    ),
)

ETCD = Row(
    title="etcd: quorum and latency",
    panels=(
        Timeline(
            title="Members that see a leader",
            what="Green: the member sees a leader, and Patroni can renew its lease.",
            do="All red: two of three members are down. PostgreSQL continues in failsafe mode. `nexusdev up` starts them.",
            unit="none",
            queries=(Query(expr="etcd_server_has_leader"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="EtcdNoLeader"),),
            alerts=("EtcdMemberDown",),
            width=6,
        ),
        Graph(
            title="Slowest 1 % of log syncs",
            what="Duration of a sync of etcd's log to disk.",
            do="Above the line: leaders change because of the slow disk. See 'Pressure'.",
            unit="s",
            queries=(Query(expr="nexus:etcd_fsync:p99"),),
            steps=(Step(value=0.5, colour=Colour.RED, alert="EtcdSlowFsync"),),
            width=6,
        ),
        Graph(
            title="Leader changes and failed proposals",
            what="Leader changes and refused writes in the last 5 minutes.",
            do="More than four: members lose their connections or wait for the disk. `nexusdev logs etcd-0 etcd-1 etcd-2`.",
            unit="none",
            queries=(
                Query(expr="increase(etcd_server_leader_changes_seen_total[5m])", legend="{{instance}} changes"),
                Query(expr="increase(etcd_server_proposals_failed_total[5m])", legend="{{instance}} failed"),
            ),
            steps=(Step(value=4, colour=Colour.RED, alert="EtcdLeaderChanges"),),
            width=6,
        ),
        Graph(
            title="Size of the store",
            what="Share of its quota that etcd's database uses. At 1, etcd refuses writes.",
            do="etcd compacts itself. Continuous growth: another program than Patroni writes keys.",
            unit="percentunit",
            queries=(Query(expr="etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes"),),
            steps=(Step(value=0.8, colour=Colour.RED, alert="EtcdDatabaseNearQuota"),),
            maximum=1,
            width=6,
        ),
    ),
)

ITSELF = Row(
    title="nexusdev itself",
    panels=(
        Stat(
            title="Duration of last up",
            what="Duration of the last `nexusdev up` that changed something, from the command to the env file.",
            do="If it is longer than before, `nexusdev timings` shows the slow parts.",
            unit="s",
            queries=(Query(expr="nexusdev_up_seconds"),),
            base=Colour.BLUE,
            decimals=1,
            width=6,
        ),
        Stat(
            title="Age of last up",
            what="Time since the last `nexusdev up` ended.",
            do="Nothing. It is the age of the figures beside it.",
            unit="s",
            queries=(Query(expr="time() - nexusdev_up_last_timestamp_seconds"),),
            base=Colour.BLUE,
            width=6,
        ),
        Stat(
            title="Services of the stack",
            what="Number of services that the last `nexusdev up` started or found running.",
            do="`nexusdev status` lists them.",
            unit="none",
            queries=(Query(expr="nexusdev_services"),),
            base=Colour.BLUE,
            width=6,
        ),
        Stat(
            title="Scraped",
            what="Targets that Prometheus scrapes successfully.",
            do="`nexusdev status --json` lists the scraped services under monitoring.coverage.",
            unit="none",
            queries=(Query(expr="sum(up)"),),
            base=Colour.BLUE,
            width=6,
        ),
        Bars(
            title="Waited for each component",
            what="Time that the last `nexusdev up` with changes waited for each component.",
            do="The longest determines the duration of `up`. `nexusdev timings` shows the details.",
            unit="s",
            queries=(Query(expr="nexusdev_up_ready_seconds", legend="{{component}}"),),
            base=Colour.BLUE,
            width=24,
            height=6,
        ),
    ),
)

MONITORING = Row(
    title="Monitoring itself: Prometheus and Alertmanager",
    panels=(
        Graph(
            title="Samples taken per second",
            what="Samples that each Prometheus stores. Both store the same.",
            alerts=("PrometheusSamplesDropped", "PrometheusConfigRejected"),
            do="If one stores fewer, it was restarted or lacks memory: `nexusdev logs prometheus-0 prometheus-1`.",
            unit="short",
            queries=(
                Query(
                    expr="rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval])",
                    legend="{{instance}} {{type}}",
                ),
            ),
        ),
        Graph(
            title="Series in memory",
            what="Series that each Prometheus keeps in memory.",
            do="A jump is caused by a label with many values: `nexusdev metrics 'topk(10, count by (__name__) ({__name__!=\"\"}))'`.",
            unit="short",
            queries=(Query(expr="prometheus_tsdb_head_series"),),
        ),
        Graph(
            title="Disk that Prometheus uses",
            what="Blocks and log on its volume. The oldest block is removed at the limit.",
            alerts=("PrometheusStorageFailing",),
            do="Nothing: it is limited.",
            unit="bytes",
            queries=(Query(expr="prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"),),
        ),
        Graph(
            title="Rules that failed",
            what="Failed evaluations of alert rules in the last 2 minutes. Must be 0.",
            do="`nexusdev logs prometheus-0` names the rule; an alert whose rule fails never fires.",
            unit="none",
            queries=(Query(expr="sum by (instance) (increase(prometheus_rule_evaluation_failures_total[2m]))"),),
            steps=(Step(value=1, colour=Colour.RED, alert="PrometheusRuleFailures"),),
        ),
        Graph(
            title="Notifications lost",
            what="Alerts that Prometheus dropped, and notifications that Alertmanager failed to deliver, in the last minute.",
            do="Check with `nexusdev status` that an Alertmanager runs. Its log names the failing receiver.",
            unit="none",
            queries=(
                Query(
                    expr="sum by (instance) (increase(prometheus_notifications_dropped_total[1m]))",
                    legend="{{instance}} dropped",
                ),
                Query(
                    expr="sum by (instance) (increase(alertmanager_notifications_failed_total[1m]))",
                    legend="{{instance}} refused",
                ),
            ),
            steps=(Step(value=1, colour=Colour.RED, alert="PrometheusNotificationsFailing"),),
            alerts=("AlertmanagerNotificationsFailing",),
        ),
        Graph(
            title="Members of the Alertmanager cluster",
            what="Number of Alertmanagers that each of them sees, including itself. Normally two.",
            do="One: they do not reach each other, and each notification is sent twice. `nexusdev logs alertmanager-0 alertmanager-1`.",
            unit="none",
            queries=(Query(expr="alertmanager_cluster_members"),),
            maximum=2,
            alerts=("AlertmanagerClusterSplit",),
        ),
    ),
)
