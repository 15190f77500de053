"""Prometheus as it really runs: its configuration is valid, every target is up, and every part's own numbers arrive."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


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


def test_the_configuration_is_valid_where_it_is_used(project: Project) -> None:
    ran = engine.container(project, "prometheus").exec_run(
        ["promtool", "check", "config", "/etc/prometheus/prometheus.yml"]
    )
    assert ran.exit_code == 0, ran.output.decode()
    ran = engine.container(project, "prometheus").exec_run(
        ["promtool", "check", "web-config", "/etc/prometheus/web.yml"]
    )
    assert ran.exit_code == 0, ran.output.decode()


def test_every_target_is_up_and_carries_component_and_service(variables: Mapping[str, str]) -> None:
    targets = ask(variables, "/api/v1/targets", state="active")["activeTargets"]
    down = {
        f"{each['labels']['job']} {each['labels']['instance']}": each["lastError"]
        for each in targets
        if each["health"] != "up"
    }
    assert down == {}
    assert all(each["scrapeUrl"].startswith("https://") for each in targets)
    components = {each["labels"]["component"] for each in targets}
    assert components == {"postgres", "gateway", "minio", "vault", "monitoring"}


@pytest.mark.parametrize(
    ("query", "instances"),
    [
        ("patroni_postgres_running", {"postgresql-0", "postgresql-1", "postgresql-2"}),
        ("etcd_server_has_leader", {"etcd-0", "etcd-1", "etcd-2"}),
        ("sum by (instance) (haproxy_process_start_time_seconds)", {"gateway-rw", "gateway-ro"}),
        ("minio_cluster_nodes_online_total == 4", {"minio-api"}),
        # its numbers about drives are told by whichever node MinIO likes
        ('minio_cluster_nodes_online_total{job="minio-node"} == 4', {"minio-0", "minio-1", "minio-2", "minio-3"}),
        ("vault_core_unsealed == 1", {"vault-0", "vault-1", "vault-2", "vault-unseal"}),
        ("prometheus_build_info", {"prometheus"}),
    ],
)
def test_each_parts_own_numbers_arrive(variables: Mapping[str, str], query: str, instances: set[str]) -> None:
    app.until(lambda: set(values(variables, query)) >= instances, seconds=30, what=query)


def test_a_stopped_part_is_seen_within_two_scrapes(project: Project, variables: Mapping[str, str], heal: None) -> None:
    engine.container(project, "etcd-2").kill()
    app.until(lambda: values(variables, 'up{job="etcd"}').get("etcd-2") == 0, seconds=20, what="etcd-2 seen as down")
    [row] = [row for row in project.run("status", "--json").data["nodes"] if row["service"] == "prometheus"]
    assert not row["ok"]
    assert "targets up" in row["detail"]


def test_plain_text_is_not_spoken(variables: Mapping[str, str]) -> None:
    url = variables["PROMETHEUS_URL"].replace("https://", "http://")
    with pytest.raises(OSError, match=r"400|reset|closed"):
        urllib.request.urlopen(f"{url}/-/ready", timeout=5)


def test_its_files_are_those_of_the_stack(project: Project) -> None:
    shipped = Path(__file__).parents[3] / "compose" / "monitoring" / "prometheus.yml"
    ran = engine.container(project, "prometheus").exec_run(["cat", "/etc/prometheus/prometheus.yml"])
    assert ran.output == shipped.read_bytes()
