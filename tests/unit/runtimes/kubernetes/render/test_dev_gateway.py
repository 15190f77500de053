"""The one way from the host to the servers: a listener, a node port and a host port on loopback for each published port."""

from __future__ import annotations

import pytest

from nexusdev.errors import InvalidConfig
from tests.kubernetes.objects import api_objects, folder, of_kind
from tests.topology import stack
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder


def test_every_published_port_has_a_node_port_with_its_last_two_digits() -> None:
    service = of_kind(api_objects(folder("kind")), "Service")["gateway-dev"]
    published = {
        f"{each.name}-{port.container}": port.host for each in stack().services.values() for port in each.ports
    }
    assert {port["name"]: port["nodePort"] for port in service["spec"]["ports"]} == {
        name: 30000 + host % 100 for name, host in published.items()
    }


def test_kind_maps_the_host_ports_on_loopback_only() -> None:
    [cluster] = folder("kind")["kind-cluster.yaml"]
    [node] = cluster["nodes"]
    mapped = {each["hostPort"]: each["containerPort"] for each in node["extraPortMappings"]}
    assert mapped == {port.host: 30000 + port.host % 100 for each in stack().services.values() for port in each.ports}
    assert {each["listenAddress"] for each in node["extraPortMappings"]} == {"127.0.0.1"}


def test_its_config_has_a_listener_per_server(stack_folder: StackFolder) -> None:
    config = stack_folder.render(profile="kind")["ConfigMap/gateway-dev"]["data"]["gateway-dev"]
    assert 'listen db-1-5432\n    bind :30041\n    server db-1 "db-1${NEXUS_DOMAIN}:5432"\n' in config


def test_a_cluster_has_the_dev_gateway_only_with_dev_access(stack_folder: StackFolder) -> None:
    assert "Deployment/gateway-dev" not in stack_folder.render(profile="cluster")
    service = stack_folder.render(profile="cluster", dev_access=True)["Service/gateway-dev"]["spec"]
    assert service["type"] == "NodePort"
    assert not any("nodePort" in port for port in service["ports"])


def test_host_ports_that_would_share_a_node_port_are_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match="host port 22040 cannot be rendered") as caught:
        stack_folder.render(GOOD.replace("21041:5432", "22040:5432"), profile="kind")
    assert "node port 30040" in caught.value.why


def test_a_stack_without_a_gateway_is_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match="gateway-dev cannot be rendered"):
        stack_folder.render(GOOD.replace(", serves: {db-primary: [5432]}", ""), profile="kind")
