"""down: removes containers and network, keeps data and settings."""

from __future__ import annotations

from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.teardown import RemovedResources, removed, take_down
from nexusdev.results import Result


class DownResult(Result, frozen=True, kw_only=True):
    """The resources that ``down`` removed.

    Attributes:
        changed: False if no container of the instance existed.
        removed: The removed resources.
        kept: The volumes that are kept and not used by a container.
        notice: Which event may remove the kept volumes; '' if none are kept.
    """

    changed: bool
    removed: RemovedResources
    kept: tuple[str, ...] = ()
    notice: str = ""


def down(context: Context) -> DownResult:
    """Remove the containers and the network of the instance. The data is kept.

    Uses labels only, so it works without the state folder, without a valid stack and without a project.

    Returns:
        The removed resources and the kept volumes.

    Raises:
        TeardownIncomplete: Other containers use the network (nothing is removed then), or a resource is left.
        IdentityMismatch: The instance belongs to another folder, which still exists.
        Locked: Another command changes the instance.
    """
    with hold_lock(context, "nexusdev down"):
        plan = take_down(context, volumes=False)
        runtime = context.runtime()
        kept = runtime.observe().volumes if plan else {}
    return DownResult(
        instance=context.identity.name,
        changed=bool(plan),
        removed=removed(plan),
        kept=tuple(kept),
        notice=runtime.advice.kept_data if kept else "",
    )
