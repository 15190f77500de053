"""Where a Service is reached: the address of a load balancer, a node with a pod of it, or why neither."""

from __future__ import annotations

from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.forward.files import ForwardConfig
from nexusdev.runtimes.kubernetes.forward.routes import RouteLost, direct_route


def config(reach: str) -> ForwardConfig:
    return ForwardConfig(
        kubectl=("kubectl",), namespace="ns", name="gateway-dev", reach=reach, ports={21032: 30032}, health=8404
    )


def service(node_port: int = 0, ingress: list[dict[str, str]] | None = None) -> dict[str, Any]:
    port = {"port": 30032, **({"nodePort": node_port} if node_port else {})}
    return {"spec": {"ports": [port]}, "status": {"loadBalancer": {"ingress": ingress} if ingress else {}}}


PODS = {"items": [{"status": {}}, {"status": {"hostIP": "172.18.0.3"}}]}


def test_a_node_port_is_reached_at_a_node_that_has_a_pod() -> None:
    route = direct_route(config("node-port"), service(31234), PODS)
    assert (route.address(30032), route.words) == (("172.18.0.3", 31234), "node-port 172.18.0.3")


@pytest.mark.parametrize("given", [{"ip": "192.0.2.7"}, {"hostname": "192.0.2.7"}])
def test_a_load_balancer_is_reached_at_its_address(given: dict[str, str]) -> None:
    route = direct_route(config("load-balancer"), service(ingress=[given]), {})
    assert (route.address(30032), route.words) == (("192.0.2.7", 30032), "load-balancer 192.0.2.7")


@pytest.mark.parametrize(
    ("reach", "found", "pods", "why"),
    [
        ("load-balancer", service(), {}, "given no address"),
        ("node-port", service(31234), {"items": []}, "no node has a pod"),
        ("node-port", service(), PODS, "no node ports"),
    ],
)
def test_without_an_address_the_reason_is_told(reach: str, found: Any, pods: Any, why: str) -> None:
    with pytest.raises(RouteLost, match=why):
        direct_route(config(reach), found, pods)
