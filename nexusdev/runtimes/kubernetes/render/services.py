"""The Services: one per pod with the pod's own name, one per role name, and one that governs each StatefulSet."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.runtimes.kubernetes.render.graph import container_ports, edges
from nexusdev.runtimes.kubernetes.render.manifest import CLUSTER_DOMAIN, POD, PRODUCTION_SUFFIX, Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.render.refusals import refusal
from nexusdev.stack.model import Service


def services(group: PodGroup, context: RenderContext) -> tuple[Manifest, ...]:
    """Return the Services of a group.

    Raises:
        InvalidConfig: An alias is a name that no Service of the namespace can have.
    """
    ports = listening(group, context)
    aliases = {member.name: _names(member, context) for member in group.members}
    found = [_governing(group, ports, context)] if group.is_replicated else []
    if ports:
        found += [
            _of_pod(member, group, ports, context)
            for member in group.members
            if member.name not in aliases[member.name]
        ]
    for member in group.members:
        found += [
            _of_role(name, ports if name == member.name else _served(name, member), group, context)
            for name in aliases[member.name]
        ]
    return tuple(found)


def governing_name(group: PodGroup) -> str:
    """Return the name of the Service that a StatefulSet needs. The group's own name may be a role name of another group."""
    return f"{group.name}-pods"


def listening(group: PodGroup, context: RenderContext) -> tuple[int, ...]:
    """Return the ports at which the containers of a pod listen."""
    ports = container_ports(context.groups, edges(context.stack, context.groups))
    return tuple(sorted({port for containers in group.containers for port in ports[containers[0].group]}))


def _names(member: Service, context: RenderContext) -> tuple[str, ...]:
    """Return the Services that the aliases of a service name: ``redis-master`` and ``redis-master.<namespace>.svc.cluster.local`` are one."""
    suffix = f".{context.options.namespace}.{CLUSTER_DOMAIN}"
    names = []
    for alias in member.aliases:
        name = alias.removesuffix(suffix).removesuffix(PRODUCTION_SUFFIX)
        if "." in name:
            raise refusal(
                context.stack,
                member,
                "networks",
                f"alias {alias} cannot be rendered",
                why=f"the names of Services have no dots, except for NAME{suffix}",
            )
        names.append(name)
    return tuple(dict.fromkeys(names))


def _served(name: str, member: Service) -> tuple[int, ...]:
    return member.serves.get(name, tuple(dict.fromkeys(port.container for port in member.ports)))


def _of_pod(member: Service, group: PodGroup, ports: Sequence[int], context: RenderContext) -> Manifest:
    """Return the headless Service of one pod. Its peers find it before it is ready, and MinIO finds its own address."""
    selector = context.selector(group)
    if group.is_replicated:
        selector[POD] = member.name
    return _service(
        member.name,
        group,
        ports,
        {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector},
        context,
    )


def _of_role(name: str, ports: Sequence[int], group: PodGroup, context: RenderContext) -> Manifest:
    return _service(name, group, ports, {"type": "ClusterIP", "selector": context.selector(group)}, context)


def _governing(group: PodGroup, ports: Sequence[int], context: RenderContext) -> Manifest:
    return _service(
        governing_name(group),
        group,
        ports,
        {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": context.selector(group)},
        context,
    )


def _service(name: str, group: PodGroup, ports: Sequence[int], spec: Manifest, context: RenderContext) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": context.metadata(name, group),
        "spec": {
            **spec,
            "ports": [
                {"name": f"tcp-{port}", "port": port, "targetPort": f"tcp-{port}", "protocol": "TCP"} for port in ports
            ],
        },
    }
