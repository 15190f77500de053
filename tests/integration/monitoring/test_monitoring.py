"""Monitoring as it really runs: valid configurations, every target up for both Prometheus, every part's own numbers, and one of two killed."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from psycopg import OperationalError

from nexusdev.components import registry
from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project
from tests.selection import examples
from tests.topology import topology

pytestmark = pytest.mark.integration

SERVERS = topology().members("monitoring", "prometheus")
ALERTMANAGERS = topology().members("monitoring", "alertmanager")


def ask(variables: Mapping[str, str], path: str, **query: str) -> Any:
    """The ``data`` of a reply of Prometheus's API, over verified TLS."""
    url = f"{variables['PROMETHEUS_URL']}{path}?{urllib.parse.urlencode(query)}"
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    with urllib.request.urlopen(url, timeout=10, context=trust) as reply:
        return json.load(reply)["data"]


def values(variables: Mapping[str, str], query: str) -> dict[str, float]:
    """Instance → value of an instant query."""
    result = ask(variables, "/api/v1/query", query=query)["result"]
    return {row["metric"].get("instance", ""): float(row["value"][1]) for row in result}


def targets(project: Project, variables: Mapping[str, str], server: str) -> list[dict[str, Any]]:
    """What this very Prometheus scrapes, of what this instance has: Grafana's image may be one that cannot be had."""
    port = {row["service"]: row["port"] for row in project.run("status", "--json").data["nodes"]}[server]
    url = f"https://127.0.0.1:{port}"
    found = ask({**variables, "PROMETHEUS_URL": url}, "/api/v1/targets", state="active")["activeTargets"]
    return [each for each in found if each["labels"]["job"] != "grafana" or "GRAFANA_URL" in variables]


@pytest.mark.parametrize(
    ("service", "check"),
    [
        ("prometheus-0", "promtool check config /etc/prometheus/prometheus.yml"),
        ("prometheus-1", "promtool check web-config /etc/prometheus/web.yml"),
        ("alertmanager-0", "amtool check-config /etc/alertmanager/alertmanager.yml"),
    ],
)
def test_the_configuration_is_valid_in_the_container(project: Project, service: str, check: str) -> None:
    ran = engine.container(project, service).exec_run(check)
    assert ran.exit_code == 0, ran.output.decode()


@pytest.mark.parametrize("server", SERVERS)
def test_every_target_is_up_and_carries_component_and_service(
    project: Project, variables: Mapping[str, str], server: str
) -> None:
    def all_are_up() -> bool:
        down = {
            f"{each['labels']['job']} {each['labels']['instance']}": each["lastError"]
            for each in targets(project, variables, server)
            if each["health"] != "up"
        }
        assert down == {}
        return True

    app.until(all_are_up, seconds=40, what="every target up")
    reply = targets(project, variables, server)
    assert all(each["scrapeUrl"].startswith("https://") for each in reply)
    assert {each["labels"]["component"] for each in reply} == set(registry.ROWS)


def test_every_running_service_is_monitored(project: Project) -> None:
    def coverage() -> float:
        return float(project.run("status", "--json").data["monitoring"]["coverage"])

    app.until(lambda: coverage() == 1.0, seconds=40, what="everything scraped")


@pytest.mark.parametrize(
    ("query", "instances"),
    [
        ("patroni_postgres_running", {"postgresql-0", "postgresql-1", "postgresql-2"}),
        ("etcd_server_has_leader", {"etcd-0", "etcd-1", "etcd-2"}),
        ("sum by (instance) (haproxy_process_start_time_seconds)", {"gateway-rw", "gateway-ro"}),
        ("minio_cluster_nodes_online_total == 4", {"minio-api"}),
        # what it tells of drives and peers is told by whichever node it likes
        ('minio_process_start_time_seconds{job="minio-node"}', {"minio-0", "minio-1", "minio-2", "minio-3"}),
        ("vault_core_unsealed == 1", {"vault-0", "vault-1", "vault-2", "vault-unseal"}),
        ("prometheus_build_info", {"prometheus-0", "prometheus-1"}),
        ("alertmanager_cluster_members == 2", {"alertmanager-0", "alertmanager-1"}),
        ("pg_up == 1", {"postgresql-0", "postgresql-1", "postgresql-2"}),
        ("pgbouncer_up == 1", {"pgbouncer"}),
        ('redis_up{job="redis"} == 1', {"redis-0", "redis-1", "redis-2"}),
        ('redis_up{job="sentinel"} == 1', {"sentinel-0", "sentinel-1", "sentinel-2"}),
        ('redis_up{job="sentinel-relay"} == 1', {"sentinel-0", "sentinel-1", "sentinel-2"}),
        ("node_memory_MemTotal_bytes", {"machine"}),
        ("nexusdev_up_seconds", {"machine"}),
    ],
)
def test_the_metrics_of_each_component_arrive(variables: Mapping[str, str], query: str, instances: set[str]) -> None:
    app.until(lambda: set(values(variables, query)) >= instances, seconds=45, what=query)


def test_a_refused_postgresql_login_is_counted_with_its_reason(variables: Mapping[str, str]) -> None:
    wrong = {"password": {"password": "wrong"}, "plaintext": {"sslmode": "disable"}}

    def refused() -> dict[str, float]:
        query = "nexus_pg_refused_logins_total"
        return {reason: sum(values(variables, f'{query}{{reason="{reason}"}}').values()) for reason in wrong}

    app.until(lambda: len(values(variables, "nexus_pg_refused_logins_total")) >= 3, seconds=45, what="the counters")
    before = refused()
    for options in wrong.values():
        for url in ("DATABASE_URL", "DATABASE_RO_URL"):
            with pytest.raises(OperationalError):
                app.postgres(variables, variables[url], **options)

    def two_more_each() -> bool:
        now = refused()
        return all(now[reason] >= before[reason] + 2 for reason in wrong)

    app.until(two_more_each, seconds=45, what="two more refusals for each reason")


def test_a_stopped_service_is_detected_within_two_scrapes(
    project: Project, variables: Mapping[str, str], heal: None
) -> None:
    engine.container(project, "etcd-2").kill()
    app.until(lambda: values(variables, 'up{job="etcd"}').get("etcd-2") == 0, seconds=25, what="etcd-2 seen as down")
    [row] = [row for row in project.run("status", "--json").data["nodes"] if row["service"] == "prometheus-0"]
    assert not row["ok"]
    assert "targets up" in row["detail"]


@pytest.mark.parametrize("killed", examples([*SERVERS, *ALERTMANAGERS], in_make_test=[SERVERS[0], ALERTMANAGERS[0]]))
def test_monitoring_survives_the_loss_of_one_server(
    project: Project, variables: Mapping[str, str], heal: None, killed: str
) -> None:
    """Who asks through the role meets no error, only a second of waiting until the gateway has seen it."""
    engine.container(project, killed).kill()
    for _ in range(20):
        assert values(variables, "up")
        assert amount_of_peers(variables) >= 1
    assert project.run("urls", "--json").data["urls"]["prometheus"] == variables["PROMETHEUS_URL"]


def amount_of_peers(variables: Mapping[str, str]) -> int:
    """How many Alertmanagers the one behind the role sees."""
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    with urllib.request.urlopen(f"{variables['ALERTMANAGER_URL']}/api/v2/status", timeout=10, context=trust) as reply:
        return len(json.load(reply)["cluster"]["peers"])


def test_the_alertmanagers_are_a_cluster(variables: Mapping[str, str]) -> None:
    app.until(lambda: amount_of_peers(variables) == 2, seconds=30, what="two Alertmanagers that see each other")


def test_silences_survive_a_restart_of_both_alertmanagers(project: Project, heal: None) -> None:
    tool = ("amtool", "--http.config.file=/etc/alertmanager/amtool.yml", "--alertmanager.url=https://localhost:9093")
    added = project.run(
        *("exec", "alertmanager-0", "--", *tool),
        *("silence", "add", "--author=dev", "--comment=known", "--duration=1h", "alertname=Known"),
    )
    assert added.code == 0, added.err
    app.until(
        lambda: all(b"Known" in _kept(project, name) for name in ALERTMANAGERS),
        seconds=30,
        what="the silence on the disks of both",
    )
    for name in ALERTMANAGERS:
        engine.container(project, name).kill()
    project.up()
    assert added.out.strip() in project.run("exec", "alertmanager-1", "--", *tool, "silence", "query", "-q").out


def _kept(project: Project, name: str) -> bytes:
    """The file of silences of one of them, as far as it was written."""
    found: bytes = engine.container(project, name).exec_run(["cat", "/data/alertmanager/silences"]).output
    return found


@pytest.mark.parametrize("variable", ["PROMETHEUS_URL", "ALERTMANAGER_URL"])
def test_roles_refuse_plaintext_connections(variables: Mapping[str, str], variable: str) -> None:
    url = variables[variable].replace("https://", "http://")
    with pytest.raises(OSError, match=r"400|reset|closed"):
        urllib.request.urlopen(f"{url}/-/ready", timeout=5)


@pytest.mark.parametrize(
    ("server", "port"),
    [
        ("prometheus-1", 9090),
        ("alertmanager-1", 9093),
        ("node-exporter", 9100),
        ("redis-exporter", 9121),
        ("postgres-exporter", 9187),
        ("pgbouncer", 9127),
        ("vault-0", 8202),
    ],
)
def test_no_port_accepts_plaintext(project: Project, server: str, port: int) -> None:
    """Asked from inside the network: most of these are published nowhere."""
    # A server that refuses may reset the connection after its reply: what cat says about that is no part of the reply.
    ask_in_plain_text = f"exec 3<>/dev/tcp/{server}/{port}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 2>/dev/null | tr -d '\\0'"
    ran = engine.container(project, "redis-0").exec_run(["timeout", "5", "bash", "-c", ask_in_plain_text])
    output = ran.output.decode("latin-1")
    assert "# HELP" not in output
    assert "/dev/tcp/" not in output, output  # bash could not connect: then nothing was tested
    assert not output or output.split()[1] == "400", output  # closed without a reply, or refused


def test_vault_metrics_are_not_reachable_from_outside(variables: Mapping[str, str]) -> None:
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{variables['VAULT_ADDR']}/v1/sys/metrics?format=prometheus", timeout=5, context=trust)


def test_the_mounted_files_match_the_stack(project: Project) -> None:
    shipped = Path(__file__).parents[3] / "compose" / "monitoring" / "prometheus.yml"
    ran = engine.container(project, "prometheus-0").exec_run(["cat", "/etc/prometheus/prometheus.yml"])
    assert ran.output == shipped.read_bytes()
