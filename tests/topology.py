"""The topology of the stack in the repository, for tests of components.

``python -m tests.topology`` prints the host ports and addresses that are free for a new service.
"""

from __future__ import annotations

from functools import cache

from nexusdev.context import stack_file
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack
from nexusdev.stack.topology import Topology


@cache
def stack() -> Stack:
    """The stack of the compose files. Nothing of it exists."""
    return load(stack_file(), {"NEXUS_STATE": "/nowhere"})


def topology() -> Topology:
    """Its topology."""
    return Topology(services=stack().services)


def next_free(count: int = 5) -> tuple[list[int], list[int]]:
    """The first host ports of the block (0 to 99) and last octets of addresses (2 to 254) that no service has."""
    services = stack().services.values()
    ports = {port.host % 100 for each in services for port in each.ports}
    addresses = {int(each.address.rpartition(".")[2]) for each in services if each.address}
    return [each for each in range(100) if each not in ports][:count], [
        each for each in range(2, 255) if each not in addresses
    ][:count]


if __name__ == "__main__":
    free_ports, free_addresses = next_free()
    print("ports:    ", *(f"${{NEXUS_PORTS:-210}}{port:02}" for port in free_ports))
    print("addresses:", *(f"${{NEXUS_NET:-10.213.0}}.{octet}" for octet in free_addresses))
