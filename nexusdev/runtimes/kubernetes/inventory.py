"""Groups the objects of a cluster by instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from nexusdev.errors import PreflightFailed
from nexusdev.inventory import InstanceInventory, Inventory
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import MANAGED_BY, MANAGER, InstanceNames, instance_of
from nexusdev.runtimes.kubernetes.observation import observation_of
from nexusdev.runtimes.kubernetes.observe import observe
from nexusdev.runtimes.kubernetes.render.dev_gateway import node_port
from nexusdev.runtimes.kubernetes.render.manifest import INSTANCE, Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot


def inventory(kubectl: Kubectl, namespaces: Iterable[str]) -> Inventory:
    """Return what exists of all instances in some namespaces.

    Args:
        kubectl: The cluster.
        namespaces: Those to look into; none for all that the user may list.

    Raises:
        PreflightFailed: The API server does not answer, or a right is missing.
    """
    pairs = [(namespace, instance_of(project)) for namespace, project in instances(kubectl, namespaces)]
    found = inventory_of(kubectl, pairs)
    host_ports = {port for each in found.instances.values() for port in each.ports}
    return replace(found, port_holders=port_holders(kubectl, host_ports))


def inventory_of(kubectl: Kubectl, pairs: Iterable[tuple[str, str]]) -> Inventory:
    """Return what exists of some instances, without the ports of nodes.

    Args:
        kubectl: The cluster.
        pairs: Namespace and name of each instance.

    Raises:
        PreflightFailed: The API server does not answer, or a right is missing.
    """
    found: dict[str, InstanceInventory] = {}
    for namespace, name in pairs:
        names = InstanceNames(instance=name, namespace=namespace, owner_path="")
        seen = observe(kubectl, names)
        if seen.workloads or seen.claims or seen.checksums:
            found[name] = _instance(name, names, seen)
    return Inventory(instances=found)


def instances(kubectl: Kubectl, namespaces: Iterable[str]) -> list[tuple[str, str]]:
    """Return namespace and project of every instance that has anything."""
    selector = ("--selector", f"{MANAGED_BY}={MANAGER}")
    kinds = ["statefulsets", "deployments", "persistentvolumeclaims", "networkpolicies", "pods"]
    listed: list[Manifest] = []
    chosen = tuple(namespaces)
    for namespace in chosen:
        listed += kubectl.get(kinds, namespace, *selector)
    if not chosen:
        listed = kubectl.get_everywhere(kinds, *selector)
    pairs = ((each["metadata"]["namespace"], each["metadata"]["labels"].get(INSTANCE, "")) for each in listed)
    return sorted({(namespace, project) for namespace, project in pairs if project})


def port_holders(kubectl: Kubectl, host_ports: Iterable[int]) -> Mapping[int, str]:
    """Return the port of a node, and the host port that it is for, → the Service that has it. Empty without the right to list them."""
    try:
        services = kubectl.get_everywhere(["services"])
    except PreflightFailed as error:
        if error.code != "RIGHT_MISSING":
            raise
        return {}
    taken = dict(_node_ports(services))
    by_host = {host: taken[node_port(host)] for host in host_ports if node_port(host) in taken}
    return {**taken, **by_host}


def holder_of(kubectl: Kubectl, port: int) -> str:
    """Return the Service that has a node port, in words."""
    return port_holders(kubectl, ()).get(port, "another service of this cluster")


def _node_ports(services: Iterable[Manifest]) -> Iterator[tuple[int, str]]:
    for each in services:
        for port in each["spec"].get("ports", ()):
            if port.get("nodePort"):
                yield (
                    int(port["nodePort"]),
                    f"service {each['metadata']['name']} of namespace {each['metadata']['namespace']}",
                )


def _instance(name: str, names: InstanceNames, seen: ClusterSnapshot) -> InstanceInventory:
    observed = observation_of(seen, namespace=names.namespace)
    services = tuple(each.object for each in observed.services.values())
    one_offs = tuple(each.name for each in seen.pods if each.ours and each.one_off and not each.terminating)
    pods = {f"pod {each}" for each in one_offs}
    ports = frozenset(
        port
        for workload in seen.workloads.values()
        for container in workload.containers
        for several in container.ports
        for port in several
    )
    alive = any(each.runs for each in observed.services.values())
    return InstanceInventory(
        name=name,
        owners=tuple(sorted(observed.owners)),
        state_paths=(observed.state_path,) if observed.state_path else (),
        services=services,
        running=sum(each.runs for each in observed.services.values()),
        alive=alive,
        volumes=tuple(observed.volumes.values()),
        others=tuple(each for each in observed.objects if each not in {*services, *pods}),
        one_offs=one_offs,
        ports=ports,
        held_ports=ports,
        used=max((each.created for each in seen.pods if each.ours), default=0.0),
    )
