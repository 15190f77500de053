"""What Prometheus asks for: nothing that a rule or a dashboard uses is left out where a job names its metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.monitoring.names import OWN_JOB
from nexusdev.components.monitoring.targets import Target, declared
from nexusdev.stack.loader import load
from nexusdev.stack.topology import Topology

ROOT = Path(__file__).parents[4]
MONITORING = ROOT / "compose" / "monitoring"
JOBS: dict[str, dict[str, Any]] = {
    job["job_name"]: job for job in yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
}


def used(prefix: str) -> set[str]:
    """The metrics with this prefix in rules and dashboards."""
    files = [*(MONITORING / "rules").glob("*.yml"), *(MONITORING / "grafana" / "dashboards").glob("*.json")]
    expressions = [_expressions(file) for file in files]
    return set(re.findall(rf"\b{prefix}[a-z_]+", "\n".join(expressions)))


def _expressions(file: Path) -> str:
    """Only what is evaluated: descriptions name metrics too."""
    if file.suffix == ".json":
        panels = json.loads(file.read_text())["panels"]
        return "\n".join(target["expr"] for panel in panels for target in panel.get("targets", ()))
    groups = yaml.safe_load(file.read_text())["groups"]
    return "\n".join(rule["expr"] for group in groups for rule in group["rules"])


def test_the_gateway_writes_every_metric_that_is_used() -> None:
    asked = {name for words in JOBS["haproxy"]["params"]["metrics"] for name in words.split(",")}
    assert used("haproxy_") - asked == set()


def test_only_the_own_services_of_a_project_are_listed_elsewhere() -> None:
    assert [name for name, job in JOBS.items() if "static_configs" not in job] == [OWN_JOB]
    [listed] = JOBS[OWN_JOB]["file_sd_configs"]
    stack = load(ROOT / "compose" / "stack.yaml", {"NEXUS_STATE": "/state"})
    for name in ("prometheus-0", "prometheus-1"):
        mounted = {each.target: str(each.source) for each in stack.services[name].files}
        assert [mounted[file] for file in listed["files"]] == ["/state/own-targets.json"]


@pytest.mark.parametrize("job", sorted(JOBS.keys() - {OWN_JOB}))
def test_every_target_is_a_server_of_the_stack(job: str, tmp_path: Path) -> None:
    stack = load(ROOT / "compose" / "stack.yaml", {"NEXUS_STATE": str(tmp_path)})
    names = {name for service in stack.services.values() for name in (service.name, *service.aliases)}
    listed = {target for each in JOBS[job]["static_configs"] for target in each["targets"]}
    through = {
        rule.get("replacement", "")
        for rule in JOBS[job].get("relabel_configs", ())
        if rule.get("target_label") == "__address__"
    }
    assert listed
    assert {target.rpartition(":")[0] for target in (*listed, *through)} <= names


def test_each_relay_port_is_scraped_as_its_sentinel(tmp_path: Path) -> None:
    stack = load(ROOT / "compose" / "stack.yaml", {"NEXUS_STATE": str(tmp_path)})
    routes = dict(each.split("=") for each in stack.services["sentinel-relay"].environment["RELAY_ROUTES"].split())
    relabel = next(rule for rule in JOBS["sentinel-relay"]["relabel_configs"] if rule.get("target_label") == "instance")
    [targets] = (each["targets"] for each in JOBS["sentinel-relay"]["static_configs"])
    named = {
        target.rpartition(":")[2]: re.sub(f"^{relabel['regex']}$", relabel["replacement"].replace("$1", r"\1"), target)
        for target in targets
    }
    assert named == {port: sentinel.partition(":")[0] for port, sentinel in routes.items()}


@pytest.mark.parametrize("job", sorted(JOBS))
def test_no_target_compresses_its_replies(job: str) -> None:
    assert JOBS[job]["enable_compression"] is False


@pytest.mark.parametrize("file", ["vault.hcl", "unseal.hcl"])
def test_vault_exposes_every_used_metric(file: str) -> None:
    left_out = re.findall(r'"-(vault\.[^"]+)"', (ROOT / "compose" / "vault" / file).read_text())
    assert left_out
    prefixes = tuple(re.sub(r"\W", "_", prefix) for prefix in left_out)
    asked_for = used("vault_") | {"vault_autopilot_failure_tolerance", "vault_autopilot_node_healthy"}
    assert [name for name in sorted(asked_for) if name.startswith(prefixes)] == []


def test_every_service_has_a_target(tmp_path: Path) -> None:
    stack = load(ROOT / "compose" / "stack.yaml", {"NEXUS_STATE": str(tmp_path)})
    known = declared(ComponentSet(), Topology(services=stack.services))
    described = known.unscraped.union(
        *(Target(job=job, instance=instance, health="up", declared=known).about for job, instance in targets())
    )
    assert stack.services.keys() - described == set(), "add a scrape job to compose/monitoring/prometheus.yml"


def targets() -> Iterator[tuple[str, str]]:
    """Job and instance of every target: its own label, or the host of its address."""
    for name in JOBS.keys() - {OWN_JOB}:
        for group in JOBS[name]["static_configs"]:
            yield from ((name, group["labels"].get("instance", each.rpartition(":")[0])) for each in group["targets"])
