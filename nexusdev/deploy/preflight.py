"""What must hold before anything is changed: an engine that can be used, room on its disk, free ports, an env file that may be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from nexusdev.errors import PreflightFailed
from nexusdev.instance.port_blocks import require_free
from nexusdev.plan.inventory import EngineInventory
from nexusdev.plan.snapshot import Snapshot, State
from nexusdev.plan.steps import Action, Plan
from nexusdev.stack.model import Stack

GIB = 2**30
ROOM = 2 * GIB
ROOM_TO_BUILD = 12 * GIB


def require_room(folder: Path, *, needed: int = ROOM, free: int | None = None) -> None:
    """Refuse to start on a disk that is nearly full: databases that meet a full disk lose more than time. Sizes in bytes.

    folder  where the engine stores; one that cannot be seen from here (another machine, a VM) is passed over
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
        hint="nexusdev gc           remove what no project uses any more\n"
        "docker system df      see what takes the room\n"
        "docker image prune    remove images that nothing uses",
        code="DISK_FULL",
    )


def require_ports(stack: Stack, plan: Plan, snapshot: Snapshot, inventory: EngineInventory) -> None:
    """Refuse to start while somebody else has a port that this plan will publish. PortInUse (exit 6)."""
    starting = {step.resource for step in plan.steps if step.action is Action.START}
    wanted = [
        port.host for name in starting if (service := stack.services.get(name)) is not None for port in service.ports
    ]
    require_free(wanted, ours=_ours(stack, snapshot), published=inventory.published)


def _ours(stack: Stack, snapshot: Snapshot) -> list[int]:
    """Host ports that our own running containers hold, whatever their names: they will be given back before they are taken again."""
    alive = (State.RUNNING, State.PAUSED, State.RESTARTING)
    holders = (*snapshot.containers.values(), *snapshot.orphans)
    running: Iterable[str] = (each.service for each in holders if each.state in alive)
    return [port.host for name in running if name in stack.services for port in stack.services[name].ports]
