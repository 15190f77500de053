"""Checks before anything is changed that the host ports are free. The runtime checks the disk space."""

from __future__ import annotations

from collections.abc import Callable, Collection

from nexusdev.errors import PortInUse
from nexusdev.instance.port_blocks import require_free
from nexusdev.inventory import Inventory
from nexusdev.plan import Observation, Plan
from nexusdev.stack.model import Stack
from nexusdev.util.port_holders import ending_orphans, holder_of


def require_ports(
    stack: Stack, plan: Plan, observation: Observation, inventory: Inventory, *, taken: Callable[[int], bool]
) -> None:
    """Raise an error if another process or container uses a port that this plan will publish.

    Args:
        stack: Provides the ports.
        plan: Provides the services that will be started.
        observation: Provides the services that already hold their ports.
        inventory: Provides the containers that hold ports.
        taken: Returns whether a process listens on a port of this machine.

    Raises:
        PortInUse: A port is used by another process or container (exit 6).
    """
    # ports of this instance's own containers are released before they are used again
    ours = _ports(stack, observation.holding_ports)
    _require_own(stack, plan, ours, inventory, taken=taken)
    require_free(_ports(stack, {*plan.started}), ours=ours, published=inventory.port_holders, taken=taken)


def _require_own(
    stack: Stack, plan: Plan, ours: Collection[int], inventory: Inventory, *, taken: Callable[[int], bool]
) -> None:
    """Raise an error for a host port in use that a project file sets itself: another port block would not help."""
    for service in stack.own:
        for port in service.ports if service.name in plan.started else ():
            chosen = f"{service.name}:{port.container}" not in stack.allocations.ports
            if chosen and port.host not in ours and taken(port.host):
                end = ending_orphans([port.host], inventory.port_holders)
                raise PortInUse(
                    f"port {port.host} of {service.name} is in use by {holder_of(port.host, inventory.port_holders)}",
                    why="the project's own file publishes exactly this port",
                    hint=(f"{end}   end what was left behind\n" if end else "")
                    + f'ports: ["{port.container}"]   let nexusdev choose a port of the instance',
                )


def _ports(stack: Stack, services: Collection[str]) -> list[int]:
    """Return the host ports of these services, as far as they are in the stack."""
    return [port.host for name in services if name in stack.services for port in stack.services[name].ports]
