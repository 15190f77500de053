"""ports: lists every published port of the instance, and who uses it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.errors import PreflightFailed
from nexusdev.instance.allocation import PortCheck
from nexusdev.instance.port_blocks import block_of
from nexusdev.interfaces import Address, View
from nexusdev.inventory import Inventory
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.util.port_holders import holder_of


class PortRow(Struct, frozen=True, kw_only=True):
    """One port.

    Attributes:
        port: Its number on the host.
        address: Its address from this machine, as the runtime reports it: ``127.0.0.1:21070``.
        service: The service that listens on it.
        container_port: Its port in the container.
        aliases: Other names of the service.
        holder: 'ours', 'free', or the name of the other process or container.
    """

    port: int
    address: str
    service: str
    container_port: int
    aliases: tuple[str, ...]
    holder: str


class PortsResult(Result, frozen=True, kw_only=True):
    """The published ports of an instance.

    Attributes:
        block: First and last port of its block.
        subnet: Its network, such as ``10.213.0.0/24``.
        ports: Each port, by number.
    """

    block: tuple[int, int]
    subnet: str
    ports: tuple[PortRow, ...]


def ports(context: Context) -> PortsResult:
    """Return the published ports of the instance. Works without an engine; other processes are named as far as permissions allow."""
    instance = context.instance()
    stack = context.stack(instance)
    reached = context.runtime(stack, owner=instance.owner).addresses(View.HOST)
    try:
        inventory = context.provider.inventory()
    except PreflightFailed:
        inventory = Inventory()
    ours = inventory.of(instance.name).held_ports
    block = block_of(instance.slot)
    return PortsResult(
        instance=instance.name,
        block=(block[0], block[-1]),
        subnet=stack.network.subnet,
        ports=tuple(rows(stack, reached, inventory, ours, context.port_taken)),
    )


def rows(
    stack: Stack,
    reached: Mapping[tuple[str, int], Address],
    inventory: Inventory,
    ours: Collection[int],
    taken: PortCheck,
) -> list[PortRow]:
    """Return the rows by port number.

    Args:
        stack: The stack, which declares the ports.
        reached: (service, container port) → address from this machine.
        inventory: The containers that hold ports.
        ours: Host ports that containers of this instance publish.
        taken: Returns whether a process listens on a port.
    """
    found = [
        PortRow(
            port=port.host,
            address=str(reached[service.name, port.container]),
            service=service.name,
            container_port=port.container,
            aliases=service.aliases,
            holder=_holder(port.host, inventory, ours, taken),
        )
        for service in stack.services.values()
        for port in service.ports
    ]
    return sorted(found, key=lambda row: row.port)


def _holder(port: int, inventory: Inventory, ours: Collection[int], taken: PortCheck) -> str:
    if port in ours:
        return "ours"
    if port in inventory.port_holders or taken(port):
        return holder_of(port, inventory.port_holders)
    return "free"
