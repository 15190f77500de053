"""Infrastructure, the parts between the products: the gateway, etcd, nexusdev itself, and the monitoring."""

from .model import Bars, Colour, Graph, Query, Row, Stat, Step, Timeline

GATEWAY = Row(
    title="Gateway: roles and their servers",
    panels=(
        Timeline(
            title="Servers behind each role",
            what="How many servers the gateway would send a new connection to. Red: nobody answers for that role.",
            do="No server for a role: `nexusdev status` of its component. The gateway follows within a second.",
            unit="none",
            queries=(Query(expr="nexus:gateway_servers:count", legend="{{role}}"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="GatewayBackendDown"),),
            alerts=("GatewayDown",),
        ),
        Graph(
            title="Sessions by role",
            what="Connections that applications hold open through the gateway.",
            do="A number that only grows is an application that does not close its connections.",
            unit="none",
            queries=(
                Query(expr='sum by (proxy) (haproxy_frontend_current_sessions{proxy!="observe"})', legend="{{proxy}}"),
            ),
            width=12,
        ),
        Graph(
            title="Traffic by role",
            what="Bytes per second through the gateway, both directions together.",
            do="Nothing while your application works: it goes past the gateway, or does not work.",
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
            title="Connections, of what is allowed",
            what="Share of the connections that each gateway may hold (4000: two for each client).",
            do="Near 1 new clients wait: find the application that does not close its connections in 'Sessions by role'.",
            unit="percentunit",
            queries=(
                Query(expr="haproxy_process_current_connections / clamp_min(haproxy_process_max_connections, 1)"),
            ),
            steps=(Step(value=0.8, colour=Colour.RED, alert="GatewayConnectionsNearLimit"),),
            maximum=1,
        ),
        Graph(
            title="Failed connections and checks",
            what="Connections to a server that failed, and servers that went from up to down, per second.",
            do="Expected during a failover. Without one: `nexusdev logs gateway-rw gateway-ro`.",
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
            what="Green: the member knows a leader, and Patroni can renew its own.",
            do="All red: two of three members are gone. PostgreSQL goes on in failsafe mode; `nexusdev up` brings them back.",
            unit="none",
            queries=(Query(expr="etcd_server_has_leader"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="EtcdNoLeader"),),
            alerts=("EtcdMemberDown",),
            width=6,
        ),
        Graph(
            title="Slowest 1 % of log syncs",
            what="How long the disk takes to make a write of etcd's log durable.",
            do="Above the line leaders change for no other reason. The machine's disk is busy: see 'Pressure'.",
            unit="s",
            queries=(Query(expr="nexus:etcd_fsync:p99"),),
            steps=(Step(value=0.5, colour=Colour.RED, alert="EtcdSlowFsync"),),
            width=6,
        ),
        Graph(
            title="Leader changes and failed proposals",
            what="Changes of leader, and writes that were refused, in the last 5 minutes.",
            do="More than four: members lose each other or wait for the disk. `nexusdev logs etcd-0 etcd-1 etcd-2`.",
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
            what="Share of its quota that etcd's file fills. At 1 it stops to take writes.",
            do="It compacts by itself; growth without end means that something writes keys that are not Patroni's.",
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
            title="Last up took",
            what="Wall time of the last `nexusdev up` that changed something, from the command to the env file.",
            do="Longer than before: `nexusdev timings` says where it went.",
            unit="s",
            queries=(Query(expr="nexusdev_up_seconds"),),
            base=Colour.BLUE,
            decimals=1,
            width=6,
        ),
        Stat(
            title="Last up was",
            what="How long ago the last `nexusdev up` ended.",
            do="Nothing; it says how old the numbers beside it are.",
            unit="s",
            queries=(Query(expr="time() - nexusdev_up_last_timestamp_seconds"),),
            base=Colour.BLUE,
            width=6,
        ),
        Stat(
            title="Services of the stack",
            what="How many services the last `nexusdev up` brought up.",
            do="`nexusdev status` lists them.",
            unit="none",
            queries=(Query(expr="nexusdev_services"),),
            base=Colour.BLUE,
            width=6,
        ),
        Stat(
            title="Scraped",
            what="Targets that Prometheus asks for numbers, and gets them.",
            do="`nexusdev status --json` says which services are scraped, as monitoring.coverage.",
            unit="none",
            queries=(Query(expr="sum(up)"),),
            base=Colour.BLUE,
            width=6,
        ),
        Bars(
            title="Waited for each component",
            what="How long the last `nexusdev up` that changed something waited for each component.",
            do="The longest decides how long `up` takes: `nexusdev timings` opens it up.",
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
            what="What each Prometheus writes down. Both take the same.",
            alerts=("PrometheusSamplesDropped", "PrometheusConfigRejected"),
            do="One that falls behind the other was restarted or is short of memory: `nexusdev logs prometheus-0 prometheus-1`.",
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
            what="Different series that each Prometheus holds. Memory grows with it.",
            do="A jump comes from a label with ever new values: `nexusdev metrics 'topk(10, count by (__name__) ({__name__!=\"\"}))'`.",
            unit="short",
            queries=(Query(expr="prometheus_tsdb_head_series"),),
        ),
        Graph(
            title="Disk that Prometheus uses",
            what="Blocks and log on its volume. The oldest block goes when the limit is reached.",
            alerts=("PrometheusStorageFailing",),
            do="Nothing: it is bounded.",
            unit="bytes",
            queries=(Query(expr="prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"),),
        ),
        Graph(
            title="Rules that failed",
            what="Evaluations of alert rules that ended in an error, in the last 2 minutes. Must be 0.",
            do="`nexusdev logs prometheus-0` names the rule; an alert whose rule fails never fires.",
            unit="none",
            queries=(Query(expr="sum by (instance) (increase(prometheus_rule_evaluation_failures_total[2m]))"),),
            steps=(Step(value=1, colour=Colour.RED, alert="PrometheusRuleFailures"),),
        ),
        Graph(
            title="Notifications lost",
            what="Alerts that Prometheus dropped, and messages that Alertmanager could not deliver, in the last minute.",
            do="`nexusdev status`: is an Alertmanager there? Its log names the receiver that refused.",
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
            what="How many Alertmanagers each of them sees, itself included. Two when all is well.",
            do="One: they cannot reach each other and you get each message twice. `nexusdev logs alertmanager-0 alertmanager-1`.",
            unit="none",
            queries=(Query(expr="alertmanager_cluster_members"),),
            maximum=2,
            alerts=("AlertmanagerClusterSplit",),
        ),
    ),
)
