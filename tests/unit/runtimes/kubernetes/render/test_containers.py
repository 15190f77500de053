"""Commands, probes, stop signals, resources and users of containers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.objects import api_objects, folder
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder, container

_KEYS = "    image: keys:1\n"


def keys(stack_folder: StackFolder, *lines: str, settings: str = "", **options: Any) -> Any:
    """The container of a service with these lines."""
    added = "".join(f"    {line}\n" for line in lines)
    text = GOOD.replace(_KEYS, _KEYS + added)
    if settings:
        text = text.replace("{component: keys}", f"{{component: keys, {settings}}}")
    return container(stack_folder.render(text, **options), "Deployment/keys")


def test_entrypoint_and_command_are_command_and_args(stack_folder: StackFolder) -> None:
    found = keys(stack_folder, "entrypoint: [sh, -c]", "command: ['echo $$(date)']", "working_dir: /data")
    assert (found["command"], found["args"]) == (["sh", "-c"], ["echo $$(date)"])
    assert found["workingDir"] == "/data"
    assert "command" not in keys(stack_folder)


def test_a_healthcheck_is_the_startup_and_readiness_probe_but_not_the_liveness_probe(stack_folder: StackFolder) -> None:
    found = keys(stack_folder, "healthcheck: {test: [CMD, keys, ping], timeout: 3s}")
    assert found["readinessProbe"]["exec"] == {"command": ["keys", "ping"]}
    assert found["startupProbe"]["exec"] == {"command": ["keys", "ping"]}
    assert found["readinessProbe"]["timeoutSeconds"] == 3
    assert "livenessProbe" not in found


def test_a_healthcheck_for_the_shell_is_run_by_the_shell(stack_folder: StackFolder) -> None:
    found = keys(stack_folder, "healthcheck: {test: keys ping || exit 1}")
    assert found["readinessProbe"]["exec"] == {"command": ["/bin/sh", "-c", "keys ping || exit 1"]}


def test_ready_replaces_the_healthcheck_and_alive_is_the_liveness_probe(stack_folder: StackFolder) -> None:
    settings = "ready: {http: {port: 80, path: /ready, tls: true}}, alive: {tcp: {port: 80}}"
    found = keys(stack_folder, "healthcheck: {test: [CMD, keys, ping]}", settings=settings)
    assert found["readinessProbe"]["httpGet"] == {"path": "/ready", "port": 80, "scheme": "HTTPS"}
    assert found["livenessProbe"]["tcpSocket"] == found["startupProbe"]["tcpSocket"] == {"port": 80}


def test_a_service_without_a_check_has_no_probe(stack_folder: StackFolder) -> None:
    assert not {"startupProbe", "readinessProbe", "livenessProbe"} & keys(stack_folder).keys()


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGKILL"])
def test_the_default_stop_signal_needs_no_hook(stack_folder: StackFolder, signal: str) -> None:
    assert "lifecycle" not in keys(stack_folder, f"stop_signal: {signal}")


def test_another_stop_signal_is_sent_by_a_hook(stack_folder: StackFolder) -> None:
    command = keys(stack_folder, "stop_signal: SIGQUIT")["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["/bin/sh", "-c", "kill -s QUIT 1"]


@pytest.mark.parametrize(("grace", "seconds"), [("500ms", 1), ("1s", 1), ("1500ms", 2), ("30s", 30)])
def test_the_grace_period_has_whole_seconds(stack_folder: StackFolder, grace: str, seconds: int) -> None:
    objects = stack_folder.render(GOOD.replace(_KEYS, f"{_KEYS}    stop_grace_period: {grace}\n"))
    assert objects["Deployment/keys"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == seconds


def test_a_cluster_requests_the_full_memory_and_kind_a_share(stack_folder: StackFolder) -> None:
    assert keys(stack_folder, profile="cluster")["resources"] == {
        "requests": {"cpu": "100m", "memory": "64Mi"},
        "limits": {"memory": "64Mi"},
    }
    assert keys(stack_folder, profile="kind")["resources"] == {
        "requests": {"cpu": "10m", "memory": "16Mi"},
        "limits": {"memory": "64Mi"},
    }


def test_only_products_that_document_it_have_a_liveness_probe() -> None:
    workloads = [each for each in api_objects(folder("kind")) if each["kind"] in ("StatefulSet", "Deployment")]
    alive = {
        each["metadata"]["name"]
        for each in workloads
        if "livenessProbe" in each["spec"]["template"]["spec"]["containers"][0]
    }
    assert alive == {"postgresql", "minio", "prometheus", "alertmanager"}


def test_the_name_suffix_is_passed_only_to_configs_that_need_it() -> None:
    workloads = [each for each in api_objects(folder("kind")) if each["kind"] in ("StatefulSet", "Deployment")]
    needing = {
        each["metadata"]["name"]
        for each in workloads
        if "NEXUS_DOMAIN" in str(each["spec"]["template"]["spec"]["containers"][0].get("env"))
    }
    assert needing == {"gateway-rw", "gateway-ro", "gateway-dev"}
