"""Addresses of services, from the host and from pods, and the paths of the CA and of client files. Pure.

The host uses its own ports on loopback, which lead to the gateway for development. Pods use the full names of the Services, so that an
application may be in another namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nexusdev.interfaces import Address, View
from nexusdev.runtimes.kubernetes.render.manifest import CLUSTER_DOMAIN, PRODUCTION_SUFFIX
from nexusdev.stack.model import Service, Stack

LOOPBACK = "127.0.0.1"
#: Where pods of applications mount the client files.
CLIENT_FOLDER_IN_PODS = "/run/nexusdev"


def addresses(stack: Stack, namespace: str, view: View) -> Mapping[tuple[str, int], Address]:
    """Return (service name or alias, container port) → address, for every published port. A sidecar has the ports of its pod.

    Args:
        stack: The stack.
        namespace: The namespace of the instance.
        view: From where.
    """
    return {
        (name, port.container): Address(host=LOOPBACK, port=port.host)
        if view is View.HOST
        else Address(host=full_name(name, namespace), port=port.container)
        for service in stack.services.values()
        for port in _owner(stack, service).ports
        for name in (service.name, *service.aliases)
    }


def full_name(name: str, namespace: str) -> str:
    """Return the name of a Service that every pod of the cluster can resolve; an alias may have it already."""
    suffix = f".{namespace}.{CLUSTER_DOMAIN}"
    return name if name.endswith(suffix) else f"{name.removesuffix(PRODUCTION_SUFFIX)}{suffix}"


def ca_path(state_path: str, view: View) -> str:
    """Return the path of the CA certificate."""
    return str(Path(state_path) / "tls" / "ca.crt") if view is View.HOST else f"{CLIENT_FOLDER_IN_PODS}/ca.crt"


def client_folder(state_path: str, view: View) -> str:
    """Return the path of the folder with the files that clients read."""
    return str(Path(state_path) / "client" / "host") if view is View.HOST else CLIENT_FOLDER_IN_PODS


def _owner(stack: Stack, service: Service) -> Service:
    return stack.services[service.shares] if service.shares else service
