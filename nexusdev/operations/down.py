"""down: removes containers and network, keeps data and settings."""

from __future__ import annotations

from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.teardown import RemovedResources, removed, take_down
from nexusdev.results import Result


class DownResult(Result, frozen=True, kw_only=True):
    """What ``down`` removed.

    Attributes:
        changed: False where nothing of the instance ran.
        removed: What is gone.
        kept: The volumes that stay, and that no container uses now.
        notice: What may remove them; '' where nothing is kept.
    """

    changed: bool
    removed: RemovedResources
    kept: tuple[str, ...] = ()
    notice: str = ""


def down(context: Context) -> DownResult:
    """By label alone: works with the state folder lost, with a stack that cannot be read, and without a project."""
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
