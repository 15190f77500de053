"""What must hold before anything is changed: an engine that can be used, room on its disk, free ports, an env file that may be written."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from nexusdev.errors import PreflightFailed
from nexusdev.instance.port_blocks import require_free
from nexusdev.inventory import Inventory
from nexusdev.plan import Observation, Plan
from nexusdev.stack.model import Stack

GIB = 2**30
ROOM = 2 * GIB
ROOM_TO_BUILD = 12 * GIB


def require_room(folder: Path, *, needed: int = ROOM, free: int | None = None, advice: str = "") -> None:
    """Refuse to start on a disk that is nearly full: databases that meet a full disk lose more than time. Sizes in bytes.

    folder  where the engine stores; one that cannot be seen from here (another machine, a VM) is passed over
    advice  hints beside our own, in the runtime's words
    """
    if free is None:
        if not folder.is_dir():
            return
        free = shutil.disk_usage(folder).free
    if free >= needed:
        return
    raise PreflightFailed(
        f"the disk is nearly full: {free / GIB:.1f} GiB free where {needed / GIB:.0f} GiB are needed",
        why=f"the engine stores images, volumes and logs in {folder}",
        hint="\n".join(("nexusdev gc           remove what no project uses any more", *advice.splitlines())),
        code="DISK_FULL",
    )


def require_ports(stack: Stack, plan: Plan, observation: Observation, inventory: Inventory) -> None:
    """Refuse to start while somebody else has a port that this plan will publish. PortInUse (exit 6)."""
    # what we hold ourselves is given back before it is taken again
    ours = _ports(stack, observation.holding_ports)
    require_free(_ports(stack, {*plan.started}), ours=ours, published=inventory.port_holders)


def _ports(stack: Stack, services: Collection[str]) -> list[int]:
    """The host ports of these services, as far as the stack has them."""
    return [port.host for name in services if name in stack.services for port in stack.services[name].ports]
