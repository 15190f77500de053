"""Infrastructure: is everything here, who leads, how much of the machine is left."""

from .common import HERE, MEANT, MUST_BE_0, MUST_BE_1, failed_last, firing_now, or_0
from .infrastructure_parts import ETCD, GATEWAY, ITSELF, MONITORING
from .model import Bars, Colour, Dashboard, Graph, Query, Row, Stat, Step, Timeline

ONE = (Step(value=1, colour=Colour.GREEN), Step(value=2, colour=Colour.RED))

WELL = Row(
    title="Overview: leaders and headroom",
    panels=(
        Stat(
            title="Critical alerts",
            what="Number of firing critical alerts. 0 on a healthy stack.",
            do="Read 'Firing now' below, then the alert's section in docs/runbooks.md.",
            unit="none",
            queries=(Query(expr=or_0('count(ALERTS{alertstate="firing",severity="critical"})')),),
            steps=MUST_BE_0,
        ),
        Stat(
            title="Targets down",
            what="Services that should run but do not answer Prometheus. Optional services without an image (Grafana) do not count.",
            do="'What failed last' names them. `nexusdev up` starts stopped services.",
            unit="none",
            queries=(Query(expr=or_0(f"count({MEANT} == 0)")),),
            alerts=("TargetDown",),
            steps=(Step(value=1, colour=Colour.RED),),
        ),
        Stat(
            title="PostgreSQL primary",
            what="The node that accepts writes.",
            do="Red: there is no primary. Wait 25 s for Patroni's failover, then run `nexusdev status`.",
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
            what="The node that accepts writes.",
            do="Red: there is no master. Sentinel promotes one within 5 s. If not, run `nexusdev status`.",
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
            what="The node that handles requests. The others are standbys.",
            do="Red: all nodes are sealed, or no leader is elected. Run `nexusdev status`, then `nexusdev logs vault-0`.",
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
            what="Online drives, of four. Writes need three, reads need two.",
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
            what="Share of the machine's memory that is available to programs.",
            do="Below 5 %: close programs, or run the stack without monitoring: `nexusdev up --profile core`.",
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
            what="Share of all processors that was busy in the last minute, for all programs on this machine.",
            do="Near 100 %: latencies are caused by the machine, not by the stack. Check 'Pressure' first.",
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
            what="Share of each component's wanted targets that answer. Green: all of them.",
            do="Run `nexusdev status` for a component that is not green.",
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
            what="Processor use by kind, in processors. 'steal' is time that the hypervisor gave to other machines.",
            do="High 'iowait': the disk is the bottleneck. High 'steal': the host is overloaded.",
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
            what="Programs that run, or wait for a processor or a disk, per processor.",
            do="Above 1: programs wait. Stop programs, or stop an instance of another project with `nexusdev stop`.",
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
            do="Memory above 10 %: the machine swaps; close programs. Disk: wait until the writing program ends.",
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
            what="Memory in use, and memory that is available to programs.",
            do="When no memory is available, the kernel kills processes. `nexusdev doctor` names them.",
            unit="bytes",
            queries=(
                Query(expr="node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", legend="used"),
                Query(expr="node_memory_MemAvailable_bytes", legend="available"),
            ),
            stacked=True,
        ),
        Graph(
            title="Memory by server",
            what="Resident memory of the servers that report it.",
            do="If it only grows, check the server's dashboard. Its container has a limit and is restarted there.",
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
            what="Processors that each server uses, for the servers that report it.",
            do="An idle stack uses a few hundredths. If it is more, check 'Load' on the component's dashboard.",
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
    what="Duration of each scrape. A slow scrape is often the first symptom.",
    do="Above 2 s (the limit is 4 s): check the server's dashboard and 'Pressure'.",
    unit="s",
    queries=(Query(expr=f"topk(10, scrape_duration_seconds{{{HERE}}})", legend="{{instance}} {{job}}"),),
    steps=(Step(value=1, colour=Colour.YELLOW), Step(value=2, colour=Colour.RED)),
    maximum=4,
    width=12,
)

CHANGES = Graph(
    title="Targets that changed",
    what="Number of times that each target went down or up in the last 15 minutes.",
    do="Check the log of a target that changes often: `nexusdev logs SERVICE`.",
    unit="none",
    queries=(Query(expr=f"changes(up{{{HERE}}}[15m])", legend="{{instance}} {{job}}"),),
    width=12,
)

INFRASTRUCTURE = Dashboard(
    uid="infrastructure",
    title="Nexus infrastructure",
    description="Whether every service runs, which nodes lead, and how much of the machine is left.",
    instances='job!=""',
    rows=(WELL, COMPONENTS, MACHINE, GATEWAY, ETCD, ITSELF, MONITORING, failed_last('component!=""', SCRAPES, CHANGES)),
)
