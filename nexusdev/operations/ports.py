"""ports: lists every published port of the instance, and who uses it now."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import asdict

from nexusdev.context import Context
from nexusdev.errors import PreflightFailed
from nexusdev.instance.port_blocks import block_of, is_taken
from nexusdev.inventory import Inventory
from nexusdev.results import Outcome, Table, Text
from nexusdev.stack.model import Stack
from nexusdev.util.port_holders import holder_of


class PortRow(Struct, frozen=True, kw_only=True):
    """One port. ``holder``: 'ours', 'free', or who else has it."""

    port: int
    service: str
    container_port: int
    aliases: tuple[str, ...]
    holder: str


def ports(context: Context) -> Outcome:
    """Works without an engine too; a foreign process is named as far as may be seen."""
    instance = context.instance()
    stack = context.stack(instance)
    try:
        inventory = context.provider.inventory()
    except PreflightFailed:
        inventory = Inventory()
    ours = inventory.of(instance.name).held_ports
    found = rows(stack, inventory, ours)
    block = block_of(instance.slot)
    data = {"block": [block[0], block[-1]], "subnet": f"{instance.net}.0/24", "ports": [asdict(each) for each in found]}
    table = Table(columns=("port", "reaches", "held by"), rows=tuple(_cells(each) for each in found))
    return Outcome(data=data, output=(table,), instance=instance.name)


def rows(stack: Stack, inventory: Inventory, ours: Collection[int]) -> list[PortRow]:
    """By port number."""
    found = [
        PortRow(
            port=port.host,
            service=service.name,
            container_port=port.container,
            aliases=service.aliases,
            holder=_holder(port.host, inventory, ours),
        )
        for service in stack.services.values()
        for port in service.ports
    ]
    return sorted(found, key=lambda row: row.port)


def _holder(port: int, inventory: Inventory, ours: Collection[int]) -> str:
    if port in ours:
        return "ours"
    if port in inventory.port_holders or is_taken(port):
        return holder_of(port, inventory.port_holders)
    return "free"


def _cells(row: PortRow) -> tuple[str | Text, ...]:
    styles = {"ours": Text("this instance", "good"), "free": Text("nobody", "dim")}
    return (
        f"127.0.0.1:{row.port}",
        f"{row.service}:{row.container_port}",
        styles.get(row.holder, Text(row.holder, "bad")),
    )
