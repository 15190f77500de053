"""Taking an instance down by its labels alone: needs no stack, no settings, no state folder, and looks again whether anything is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.context import Context
from nexusdev.deploy.timing import Stopwatch
from nexusdev.env import stored
from nexusdev.errors import IdentityMismatch, NexusError, TeardownIncomplete
from nexusdev.instance.places import is_missing
from nexusdev.instance.state import Record, folder_of, read_record
from nexusdev.interfaces import Runtime
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan.ownership import refuse_strangers
from nexusdev.plan.planner import plan_down
from nexusdev.plan.snapshot import Snapshot
from nexusdev.plan.steps import Action, Plan

if TYPE_CHECKING:
    from nexusdev.deploy.deployer import Deployer


def take_down(context: Context, *, volumes: bool) -> Plan:
    """Remove containers and network, and with ``volumes`` the data; the steps that were needed.

    Raises TeardownIncomplete (exit 8): before anything is removed where others use it, afterwards where something is left.
    """
    runtime = context.runtime()
    snapshot = runtime.observe()
    require_permission(context, snapshot)
    plan = plan_down(snapshot, volumes=volumes)
    if not plan and not folder_of(context.root, context.identity.name).exists():
        refuse_moved(context)
    refuse_strangers(plan, snapshot, command="destroy" if volumes else "down")
    if plan:
        deployer_of(context, runtime).execute(plan, component_of=component_of(snapshot))
        _require_gone(runtime.observe(), volumes=volumes, command="destroy" if volumes else "down")
    stored.settle(folder_of(context.root, context.identity.name))
    return plan


def deployer_of(context: Context, runtime: Runtime, watch: Stopwatch | None = None) -> Deployer:
    """The engine for this verb."""
    from nexusdev.deploy.deployer import Deployer

    return Deployer(
        runtime=runtime,
        clock=context.clock,
        listener=context.listener,
        watch=watch or Stopwatch(clock=context.clock),
        parallel=context.settings.parallel,
    )


def component_of(snapshot: Snapshot) -> Mapping[str, str]:
    """Service → component, of what exists."""
    return {name: each.component for name, each in snapshot.containers.items()}


def require_permission(context: Context, snapshot: Snapshot) -> None:
    """Refuse to touch another folder's instance, unless that folder is missing: then nobody else can clean up after it."""
    everything = (
        *snapshot.containers.values(),
        *snapshot.orphans,
        *snapshot.one_offs,
        *snapshot.volumes.values(),
        *((snapshot.network,) if snapshot.network else ()),
    )
    identity, record = context.identity, _record(context)
    ours = {str(identity.project), *(record.former if record else ())}
    labelled = {each.owner_path for each in everything if each.owner_path}
    for owner in {*labelled, *((record.owner,) if record else ())} - ours:
        if not is_missing(Path(owner)):
            raise IdentityMismatch(
                f"instance {identity.name} belongs to another folder",
                why=f"{owner} owns it; you are in {identity.project}",
                hint=f"nexusdev -C {owner} status   look at it there",
            )


def _record(context: Context) -> Record | None:
    """What the state says of the owner; None too where it is lost or broken: a teardown needs labels alone."""
    try:
        return read_record(folder_of(context.root, context.identity.name))
    except NexusError:
        return None


def removed(plan: Plan) -> dict[str, list[str]]:
    """What a plan removes, by kind."""
    kinds = {Action.REMOVE: "containers", Action.REMOVE_NETWORK: "networks", Action.REMOVE_VOLUME: "volumes"}
    return {kind: [step.resource for step in plan.steps if step.action is action] for action, kind in kinds.items()}


def _require_gone(snapshot: Snapshot, *, volumes: bool, command: str) -> None:
    left = [
        *(f"container {each.name}" for each in (*snapshot.containers.values(), *snapshot.orphans, *snapshot.one_offs)),
        *([f"network {snapshot.network.full_name}"] if snapshot.network else []),
        *(f"volume {each.full_name}" for each in (snapshot.volumes.values() if volumes else ())),
    ]
    require_gone(left, command=command)


def require_gone(left: Sequence[str], *, command: str) -> None:
    """TeardownIncomplete (exit 8) for what is left after a removal."""
    if left:
        raise TeardownIncomplete(
            f"{len(left)} {'thing is' if len(left) == 1 else 'things are'} left",
            why="the engine did not remove everything",
            hint=f"nexusdev {command}   try again\nnexusdev doctor   look at the engine",
            evidence=tuple(left),
        )
