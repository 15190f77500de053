"""Infrastructure: is everything here, who leads, how much of the machine is left."""

from .common import HERE, MEANT, MUST_BE_0, MUST_BE_1, failed_last, firing_now, or_0
from .infrastructure_parts import ETCD, GATEWAY, ITSELF, MONITORING
from .model import Bars, Colour, Dashboard, Graph, Query, Row, Stat, Step, Timeline

ONE = (Step(value=1, colour=Colour.GREEN), Step(value=2, colour=Colour.RED))

WELL = Row(
    title="Is it well, who leads, how much is left?",
    panels=(
        Stat(
            title="Critical alerts",
            what="How many critical alerts fire. 0 on a stack that is well.",
            do="Read 'Firing now' below, then the alert's heading in docs/runbooks.md.",
            unit="none",
            queries=(Query(expr=or_0('count(ALERTS{alertstate="firing",severity="critical"})')),),
            steps=MUST_BE_0,
        ),
        Stat(
            title="Targets down",
            what="Services that are meant to run and do not answer Prometheus. One that is absent by intent (Grafana) does not count.",
            do="'What failed last' names them; `nexusdev up` brings back what has stopped.",
            unit="none",
            queries=(Query(expr=or_0(f"count({MEANT} == 0)")),),
            alerts=("TargetDown",),
            steps=(Step(value=1, colour=Colour.RED),),
        ),
        Stat(
            title="PostgreSQL primary",
            what="The node that takes writes.",
            do="Red: no node leads. Wait 25 s for Patroni's failover, then `nexusdev status`.",
            unit="none",
            queries=(Query(expr="patroni_primary == 1"),),
            base=Colour.RED,
            steps=MUST_BE_1,
            named=True,
            nothing="none",
            alerts=("PostgresPrimaryMissing",),
        ),
        Stat(
            title="Redis master",
            what="The node that takes writes.",
            do="Red: no node is master. Sentinels elect one within 5 s; then `nexusdev status`.",
            unit="none",
            queries=(Query(expr='redis_instance_info{role="master",job="redis"}'),),
            base=Colour.RED,
            steps=MUST_BE_1,
            named=True,
            nothing="none",
            alerts=("RedisMasterMissing",),
        ),
        Stat(
            title="Vault active",
            what="The node that answers requests; the others stand by.",
            do="Red: all are sealed or no leader is elected. `nexusdev status`, then `nexusdev logs vault-0`.",
            unit="none",
            queries=(Query(expr="nexus:vault_active == 1"),),
            base=Colour.RED,
            steps=MUST_BE_1,
            named=True,
            nothing="none",
            alerts=("VaultNoActiveNode",),
        ),
        Stat(
            title="MinIO drives",
            what="Drives online, of four. Three still take writes, two are read-only.",
            do="`nexusdev status` names the missing node; `nexusdev up` starts it.",
            unit="none",
            queries=(Query(expr="min(minio_cluster_drive_online_total)"),),
            base=Colour.RED,
            steps=(Step(value=3, colour=Colour.YELLOW), Step(value=4, colour=Colour.GREEN)),
            maximum=4,
            alerts=("MinioDriveOffline",),
        ),
        Stat(
            title="Memory available",
            what="Share of the machine's memory that programs can still get.",
            do="Below 5 % close something, or `nexusdev up --profile core` to go on without monitoring.",
            unit="percentunit",
            queries=(Query(expr="node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),),
            base=Colour.RED,
            steps=(
                Step(value=0.05, colour=Colour.YELLOW, alert="MachineMemoryLow"),
                Step(value=0.15, colour=Colour.GREEN),
            ),
            maximum=1,
            trend=True,
        ),
        Stat(
            title="Processor busy",
            what="Share of all processors that was busy in the last minute, by everything on this machine.",
            do="Near 100 % all latencies here are the machine's, not the stack's: look at 'Pressure' first.",
            unit="percentunit",
            queries=(Query(expr='1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m]))'),),
            steps=(Step(value=0.8, colour=Colour.YELLOW), Step(value=0.95, colour=Colour.RED)),
            maximum=1,
            trend=True,
        ),
    ),
)

COMPONENTS = Row(
    title="Components",
    panels=(
        Timeline(
            title="Targets up, by component",
            what="Share of each component's targets that answer, of those that are meant to run: green means all of them.",
            do="`nexusdev status` for the one that is not green.",
            unit="percentunit",
            queries=(Query(expr=f"avg by (component) ({MEANT})", legend="{{component}}"),),
            base=Colour.RED,
            alerts=("ComponentUnwatched",),
            steps=(Step(value=0.5, colour=Colour.YELLOW), Step(value=1, colour=Colour.GREEN)),
            minimum=0,
            maximum=1,
        ),
        firing_now(),
    ),
)

MACHINE = Row(
    title="Machine: load and headroom",
    panels=(
        Graph(
            title="Processors by use",
            what="What the processors do, in processors. 'steal' is time that the host took away.",
            do="Much 'iowait': the disk is the limit. Much 'steal': nothing here helps.",
            unit="none",
            queries=(
                Query(
                    expr='sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]))',
                    legend="{{mode}}",
                ),
            ),
            stacked=True,
        ),
        Graph(
            title="Load per processor",
            what="Programs that run or wait for a processor or a disk, per processor.",
            do="Above 1 everything waits: stop what you do not need, or `nexusdev stop` an instance of another project.",
            unit="none",
            queries=(
                Query(
                    expr='node_load1 / on (instance) count by (instance) (node_cpu_seconds_total{mode="idle"})',
                    legend="1 min",
                ),
            ),
            steps=(Step(value=1, colour=Colour.YELLOW), Step(value=4, colour=Colour.RED)),
        ),
        Graph(
            title="Pressure",
            what="Share of time in which some program waited for processor, memory or disk.",
            do="Memory above 10 % means thrashing: close programs. Disk: wait for what writes.",
            unit="percentunit",
            queries=(
                Query(expr="rate(node_pressure_cpu_waiting_seconds_total[$__rate_interval])", legend="processor"),
                Query(expr="rate(node_pressure_memory_waiting_seconds_total[$__rate_interval])", legend="memory"),
                Query(expr="rate(node_pressure_io_waiting_seconds_total[$__rate_interval])", legend="disk"),
            ),
            maximum=1,
        ),
        Graph(
            title="Memory of the machine",
            what="Used by programs, and what is still available to them.",
            do="When 'available' goes to nothing the kernel ends processes: `nexusdev doctor` says which were ended.",
            unit="bytes",
            queries=(
                Query(expr="node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", legend="used"),
                Query(expr="node_memory_MemAvailable_bytes", legend="available"),
            ),
            stacked=True,
        ),
        Graph(
            title="Memory by server",
            what="Resident memory of the servers that report their own.",
            do="One that only grows is worth a look at its dashboard; its container has a limit and is restarted at it.",
            unit="bytes",
            queries=(
                Query(
                    expr=f"sum by (instance, job) (process_resident_memory_bytes{{{HERE}}})",
                    legend="{{instance}} {{job}}",
                ),
            ),
        ),
        Graph(
            title="Processor time by server",
            what="Processors that each server uses, of those that report their own.",
            do="An idle stack uses a few hundredths. More: look at 'Load' on that component's dashboard.",
            unit="none",
            queries=(
                Query(
                    expr=f"sum by (instance, job) (rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]))",
                    legend="{{instance}} {{job}}",
                ),
            ),
        ),
    ),
)

SCRAPES = Bars(
    title="Scrape duration",
    what="How long each target took to answer with its numbers. A slow answer is often the first sign.",
    do="Above 2 s of the 4 s allowed: look at that server's dashboard and at 'Pressure'.",
    unit="s",
    queries=(Query(expr=f"topk(10, scrape_duration_seconds{{{HERE}}})", legend="{{instance}} {{job}}"),),
    steps=(Step(value=1, colour=Colour.YELLOW), Step(value=2, colour=Colour.RED)),
    maximum=4,
    width=12,
)

CHANGES = Graph(
    title="Targets that changed",
    what="How often each target went away or came back in the last 15 minutes.",
    do="A target that flaps is worse than one that is down: `nexusdev logs SERVICE`.",
    unit="none",
    queries=(Query(expr=f"changes(up{{{HERE}}}[15m])", legend="{{instance}} {{job}}"),),
    width=12,
)

INFRASTRUCTURE = Dashboard(
    uid="infrastructure",
    title="Nexus infrastructure",
    description="Is everything here, who leads, and how much of the machine is left.",
    instances='job!=""',
    rows=(WELL, COMPONENTS, MACHINE, GATEWAY, ETCD, ITSELF, MONITORING, failed_last('component!=""', SCRAPES, CHANGES)),
)
