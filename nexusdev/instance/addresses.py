"""Where the host reaches every service: pure, from the published ports of the Stack."""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.interfaces import Address
from nexusdev.stack.model import Service, Stack

HOST = "127.0.0.1"


def addresses(stack: Stack) -> Mapping[tuple[str, int], Address]:
    """(service name or alias, container port) → address on the host.

    A sidecar's ports are published by the service whose namespace it shares; it answers to its own name there as well.
    """
    found: dict[tuple[str, int], Address] = {}
    for service in stack.services.values():
        for port in _owner(stack, service).ports:
            for name in (service.name, *service.aliases):
                found[name, port.container] = Address(host=HOST, port=port.host)
    return found


def _owner(stack: Stack, service: Service) -> Service:
    return stack.services[service.shares] if service.shares else service
