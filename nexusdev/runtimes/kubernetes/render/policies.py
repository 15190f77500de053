"""NetworkPolicies: nothing is allowed but DNS, the edges of the service graph, and clients at the names of production."""

from __future__ import annotations

from collections.abc import Iterable

from nexusdev.runtimes.kubernetes.render.dev_gateway import KIND_PODS, is_dev_gateway
from nexusdev.runtimes.kubernetes.render.graph import Edge, edges
from nexusdev.runtimes.kubernetes.render.manifest import CLIENT, Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.stack.model import Service

_DNS_PORT = 53
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


def default_policies(context: RenderContext) -> tuple[Manifest, ...]:
    """Return the policies of all pods: default deny in both directions, and DNS."""
    dns = {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")],
    }
    return (
        _of_all_pods("default-deny", {"policyTypes": ["Ingress", "Egress"]}, context),
        _of_all_pods("allow-dns", {"policyTypes": ["Egress"], "egress": [dns]}, context),
    )


def policy(group: PodGroup, context: RenderContext) -> Manifest | None:
    """Return the policy of a group: who may connect to it and where it may connect to; None if there is neither."""
    groups = {each.name: each for each in context.groups}
    found = edges(context.stack, context.groups)
    incoming = [
        {"from": [_pods(groups[source], context)], "ports": _ports(ports)}
        for source, ports in _by_peer((edge.source, edge) for edge in found if edge.target == group.name)
    ]
    outgoing = [
        {"to": [_pods(groups[target], context)], "ports": _ports(ports)}
        for target, ports in _by_peer((edge.target, edge) for edge in found if edge.source == group.name)
    ]
    incoming += _from_outside(group, context)
    directions = {**({"ingress": incoming} if incoming else {}), **({"egress": outgoing} if outgoing else {})}
    if not directions:
        return None
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": context.metadata(group.name, group),
        "spec": {
            "podSelector": {"matchLabels": context.selector(group)},
            "policyTypes": [name.capitalize() for name in directions],
            **directions,
        },
    }


def _of_all_pods(name: str, spec: Manifest, context: RenderContext) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": context.options.namespace, "labels": dict(context.common)},
        "spec": {"podSelector": {}, **spec},
    }


def _by_peer(found: Iterable[tuple[str, Edge]]) -> Iterable[tuple[str, list[int]]]:
    ports: dict[str, set[int]] = {}
    for peer, edge in found:
        ports.setdefault(peer, set()).add(edge.port)
    return [(peer, sorted(numbers)) for peer, numbers in ports.items()]


def _from_outside(group: PodGroup, context: RenderContext) -> list[Manifest]:
    """Return who may connect from outside the namespace: labelled pods to names of production, and the host to the gateway for development.

    A forward by the API server ends inside the pod: no policy has to allow it.
    """
    if is_dev_gateway(group) and context.options.is_forwarded:
        return []
    if is_dev_gateway(group):
        return [{"from": [_host(context)], "ports": _ports(port.container for port in group.first.ports)}]
    served = sorted({port for member in group.members for port in _served(member)})
    if not served:
        return []
    client = {"namespaceSelector": {}, "podSelector": {"matchLabels": {CLIENT: "true"}}}
    return [{"from": [client], "ports": _ports(served)}]


def _host(context: RenderContext) -> Manifest:
    """Return the peer that is the host. In kind it is every address that is not a pod's; other clusters have pods anywhere."""
    outside_of_kind = {"except": [KIND_PODS]} if context.options.profile == "kind" else {}
    return {"ipBlock": {"cidr": "0.0.0.0/0", **outside_of_kind}}


def _served(member: Service) -> set[int]:
    """Return the ports of the names that applications use: those of a gateway's roles, or those that a server with such a name publishes."""
    if member.serves or not member.aliases:
        return {port for ports in member.serves.values() for port in ports}
    return {port.container for port in member.ports}


def _pods(group: PodGroup, context: RenderContext) -> Manifest:
    return {"podSelector": {"matchLabels": context.selector(group)}}


def _ports(numbers: Iterable[int]) -> list[Manifest]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
