"""Addresses of services, and the path of the CA, from the host and from containers. Pure.

The host uses the published ports, which are on loopback only; containers on the instance's network use names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nexusdev.interfaces import Address, View
from nexusdev.stack.model import Service, Stack

LOOPBACK = "127.0.0.1"
# Variables of the container view refer to files in this folder. The caller that starts such a container mounts it there.
CLIENT_FOLDER_IN_CONTAINERS = "/run/nexusdev"
CA_IN_CONTAINERS = f"{CLIENT_FOLDER_IN_CONTAINERS}/ca.crt"


def addresses(stack: Stack, view: View) -> Mapping[tuple[str, int], Address]:
    """Return (service name or alias, container port) → address, for every published port.

    The ports of a sidecar are published by the service whose namespace it shares; the sidecar's own name is included.
    """
    return {
        (name, port.container): Address(host=LOOPBACK, port=port.host)
        if view is View.HOST
        else Address(host=name, port=port.container)
        for service in stack.services.values()
        for port in _owner(stack, service).ports
        for name in (service.name, *service.aliases)
    }


def ca_path(state_path: str, view: View) -> str:
    """Return the path of the CA certificate."""
    return str(Path(state_path) / "tls" / "ca.crt") if view is View.HOST else CA_IN_CONTAINERS


def client_folder(state_path: str, view: View) -> str:
    """Return the path of the folder with the files that clients read."""
    return str(Path(state_path) / "client" / "host") if view is View.HOST else CLIENT_FOLDER_IN_CONTAINERS


def _owner(stack: Stack, service: Service) -> Service:
    return stack.services[service.shares] if service.shares else service
