"""The gateway for development, ``gateway-dev``: the one way from the host to every server that nexusdev looks at, seeds or proves.

It has a listener per host port of the stack and passes TLS through, so the policies of production allow nothing else from outside. It is a
service like the others; the compose files do not have it, because Docker publishes ports directly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from nexusdev.errors import InvalidConfig
from nexusdev.runtimes.kubernetes.render.manifest import Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.options import Exposure, RenderOptions
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.render.refusals import refusal
from nexusdev.stack.model import Connection, FileMount, Port, ReadyCheck, Service, Stack

NAME = "gateway-dev"
#: The addresses of pods in a cluster of kind: its default, which the policy of the gateway for development excludes.
KIND_PODS = "10.244.0.0/16"
_CONFIG = "gateway-dev"
#: Where it answers ``/healthz``, for probes and for the forward.
HEALTH = 8404
# Cluster addresses have node ports of 30000 to 32767 by default.
_FIRST_NODE_PORT = 30000
_BLOCK = 100

_HEAD = """\
# Written by nexusdev. One listener per server; TLS ends at the servers.
global
    fd-hard-limit 8100
    nbthread 1
    log stdout format raw local0 notice

resolvers cluster
    parse-resolv-conf
    timeout resolve 1s
    timeout retry 1s
    hold valid 2s

defaults
    mode tcp
    log global
    retries 2
    option clitcpka
    option srvtcpka
    timeout connect 3s
    timeout client 24h
    timeout server 24h
    default-server resolvers cluster resolve-prefer ipv4 init-addr last,libc,none

frontend health
    mode http
    bind :8404
    timeout client 10s
    http-request return status 200 content-type text/plain string "ok" if { path /healthz }
"""


def with_dev_gateway(stack: Stack, options: RenderOptions) -> tuple[Stack, RenderOptions]:
    """Return the stack with the gateway for development as one more service, and the options with its config.

    Raises:
        InvalidConfig: The stack has no gateway whose image it could use, or two host ports end with the same two digits.
    """
    published = [(service, port) for service in stack.services.values() for port in service.ports]
    gateway = next((each for each in stack.services.values() if each.serves), None)
    if gateway is None:
        raise InvalidConfig(
            f"{NAME} cannot be rendered",
            why=f"it runs the image of the gateway, and no service of {stack.file} has x-nexusdev: {{serves: …}}",
        )
    file = FileMount(kind="config", name=_CONFIG, source=Path(_CONFIG), target="/etc/gateway/haproxy.cfg")
    service = replace(
        gateway,
        name=NAME,
        group=NAME,
        ordinal=0,
        hostname=NAME,
        address="",
        aliases=(),
        entrypoint=("haproxy", "-W", "-db", "-f", "/etc/gateway/"),
        files=(file,),
        ports=tuple(_listeners(published, stack)),
        connects=tuple(Connection(target=each.name, port=port.container) for each, port in published),
        serves={},
        healthcheck=None,
        ready=ReadyCheck(kind="http", port=HEALTH, path="/healthz"),
        alive=None,
    )
    return (
        replace(stack, services={**stack.services, NAME: service}),
        replace(options, configs={**options.configs, _CONFIG: _config(published)}),
    )


def node_port(host: int) -> int:
    """Return the node port of a host port. An instance's ports are a block of 100: the last two digits tell them apart."""
    return _FIRST_NODE_PORT + host % _BLOCK


#: Exposure → type of the Service.
_SERVICE_TYPES: Mapping[Exposure, str] = {
    "node-port": "NodePort",
    "load-balancer": "LoadBalancer",
    "forward": "ClusterIP",
}


def node_port_service(group: PodGroup, context: RenderContext) -> Manifest:
    """Return the Service of the gateway for development. Only kind's node ports are fixed: other clusters have several instances."""
    targets = [f"{each.target}-{each.port}" for each in group.first.connects]
    fixed = context.options.profile == "kind"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": context.metadata(group.name, group),
        "spec": {
            "type": "NodePort" if fixed else _SERVICE_TYPES[context.options.exposure],
            "selector": context.selector(group),
            "ports": [
                {
                    "name": target,
                    "port": port.container,
                    "targetPort": f"tcp-{port.container}",
                    "protocol": "TCP",
                    **({"nodePort": port.container} if fixed else {}),
                }
                for target, port in zip(targets, group.first.ports, strict=True)
            ],
        },
    }


def kind_cluster(stack: Stack) -> Manifest:
    """Return the configuration of ``kind create cluster``: every host port of the stack on 127.0.0.1, mapped to its node port."""
    ports = sorted(port.host for service in stack.services.values() if service.name != NAME for port in service.ports)
    mappings = [
        {"containerPort": node_port(host), "hostPort": host, "listenAddress": "127.0.0.1", "protocol": "TCP"}
        for host in ports
    ]
    return {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "name": stack.project,
        "networking": {"podSubnet": KIND_PODS},
        "nodes": [{"role": "control-plane", "extraPortMappings": mappings}],
    }


def _listeners(published: Iterable[tuple[Service, Port]], stack: Stack) -> Iterable[Port]:
    taken: dict[int, Service] = {}
    for service, port in published:
        number = node_port(port.host)
        if number in taken:
            raise refusal(
                stack,
                service,
                "ports",
                f"host port {port.host} cannot be rendered",
                why=f"a port of {taken[number].name} ends with the same two digits, which are its node port {number}",
            )
        taken[number] = service
        yield Port(host=port.host, container=number)


def _config(published: Iterable[tuple[Service, Port]]) -> str:
    return _HEAD + "".join(
        f"""
listen {service.name}-{port.container}
    bind :{node_port(port.host)}
    server {service.name} "{service.name}${{NEXUS_DOMAIN}}:{port.container}"
"""
        for service, port in published
    )


def is_dev_gateway(group: PodGroup) -> bool:
    """Return whether a group is the gateway for development."""
    return group.name == NAME
