"""Pods reach what the service graph says, and from outside the namespace only the names of production are reachable."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.objects import api_objects, folder, of_kind
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder


def rules(policy: Any, direction: str, peers: str) -> dict[str, list[int]]:
    """Name of each peer → the ports."""
    return {
        peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name", "outside"): [
            port["port"] for port in rule["ports"]
        ]
        for rule in policy["spec"].get(direction, ())
        for peer in rule[peers]
    }


def test_only_dns_and_declared_connections_are_allowed(stack_folder: StackFolder) -> None:
    objects = stack_folder.render()
    assert objects["NetworkPolicy/default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    [dns] = objects["NetworkPolicy/allow-dns"]["spec"]["egress"]
    assert [(port["protocol"], port["port"]) for port in dns["ports"]] == [("UDP", 53), ("TCP", 53)]
    assert rules(objects["NetworkPolicy/db"], "ingress", "from") == {"db": [5433], "gateway": [5432]}
    assert rules(objects["NetworkPolicy/db"], "egress", "to") == {"db": [5433]}
    assert rules(objects["NetworkPolicy/gateway"], "egress", "to") == {"db": [5432]}
    assert "NetworkPolicy/keys" not in objects


def test_a_connection_to_a_role_name_allows_the_gateway(stack_folder: StackFolder) -> None:
    text = GOOD.replace("{component: keys}", '{component: keys, connects: ["db-primary:5432"]}')
    objects = stack_folder.render(text)
    assert rules(objects["NetworkPolicy/keys"], "egress", "to") == {"gateway": [5432]}
    assert rules(objects["NetworkPolicy/gateway"], "ingress", "from") == {"keys": [5432], "outside": [5432]}


def outside(policy: Any) -> list[Any]:
    """The peers of a policy that are not pods of the namespace."""
    return [
        peer
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in policy["spec"].get(direction, ())
        for peer in rule[peers]
        if set(peer) != {"podSelector"}
    ]


def test_from_outside_the_namespace_only_labelled_pods_reach_only_names_of_production() -> None:
    found = of_kind(api_objects(folder("cluster")), "NetworkPolicy")
    opened = {name: outside(policy) for name, policy in found.items() if outside(policy)}
    client = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"nexus.dev/client": "true"}}}
    assert opened.pop("allow-dns")
    assert opened == {name: [client] for name in ("gateway-rw", "gateway-ro", "pgbouncer", "grafana")}


def test_clients_reach_the_ports_of_these_names_and_no_others() -> None:
    found = of_kind(api_objects(folder("cluster")), "NetworkPolicy")
    assert rules(found["gateway-rw"], "ingress", "from")["outside"] == [5432, 6379, 8200, 9000, 9001]
    assert rules(found["gateway-ro"], "ingress", "from")["outside"] == [5432, 6379, 9090, 9093]
    assert rules(found["pgbouncer"], "ingress", "from")["outside"] == [6432]
    assert rules(found["grafana"], "ingress", "from")["outside"] == [3000]


def test_in_kind_the_host_reaches_only_the_development_gateway_and_pods_do_not() -> None:
    [cluster] = folder("kind")["kind-cluster.yaml"]
    found = of_kind(api_objects(folder("kind")), "NetworkPolicy")
    blocks = {name: peer["ipBlock"] for name, policy in found.items() for peer in outside(policy) if "ipBlock" in peer}
    assert blocks == {"gateway-dev": {"cidr": "0.0.0.0/0", "except": [cluster["networking"]["podSubnet"]]}}


def test_an_own_service_reaches_the_components_that_it_needs(stack_folder: StackFolder) -> None:
    from nexusdev.runtimes.kubernetes.render.graph import edges
    from nexusdev.runtimes.kubernetes.render.pod_groups import pod_groups
    from nexusdev.stack.loader import load

    stack_folder.stack()
    own = stack_folder.folder / "own.yaml"
    own.write_text("services:\n  api:\n    image: api:1\n    depends_on: [db]\n")
    stack = load(stack_folder.folder / "stack.yaml", {"NEXUS_STATE": str(stack_folder.folder / "state")}, include=[own])
    found = [(edge.target, edge.port) for edge in edges(stack, pod_groups(stack)) if edge.source == "api"]
    assert found == [("db", 5432), ("gateway", 5432)]
