"""Takes an instance down by its labels alone, without stack, settings or state folder, and checks that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.env import stored
from nexusdev.errors import IdentityMismatch, NexusError, TeardownIncomplete
from nexusdev.instance.project_places import is_missing
from nexusdev.instance.state import Record, folder_of, read_record
from nexusdev.instance.state_elsewhere import anothers, is_anothers
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan import Down, Observation, Plan


def take_down(context: Context, *, volumes: bool) -> Plan:
    """Remove the containers and the network of the instance.

    Args:
        context: The context of the command.
        volumes: Whether to remove the data volumes too.

    Returns:
        The plan that was executed.

    Raises:
        TeardownIncomplete: Other containers use a resource that must be removed (nothing is removed then), or a resource is left.
        IdentityMismatch: The instance belongs to another folder, which still exists.
    """
    runtime = context.runtime()
    observation = runtime.observe()
    require_permission(context, observation)
    command = "destroy" if volumes else "down"
    plan = runtime.plan(Down(volumes=volumes, command=command), observation)
    if not plan and not folder_of(context.root, context.identity.name).exists():
        refuse_moved(context)
    if plan:
        deployer_of(context, runtime).execute(plan)
        require_gone(runtime.observe().left(volumes=volumes), command=command)
    stored.settle(folder_of(context.root, context.identity.name))
    return plan


def require_permission(context: Context, observation: Observation) -> None:
    """Refuse to change another folder's instance, unless that folder no longer exists, and the instance of another user.

    Raises:
        IdentityMismatch: It belongs to another folder, or to another user (OTHER_USER).
    """
    identity, record = context.identity, _record(context)
    ours = {str(identity.project), *(record.former if record else ())}
    for owner in {*observation.owners, *((record.owner,) if record else ())} - ours:
        if not is_missing(Path(owner)):
            raise IdentityMismatch(
                f"instance {identity.name} belongs to another folder",
                why=f"{owner} owns it; you are in {identity.project}",
                hint=f"nexusdev -C {owner} status   show it from that folder",
            )
    if is_anothers(observation.state_path):
        raise anothers(identity.name, observation.state_path)


def _record(context: Context) -> Record | None:
    """Return the record of the instance; None if it is lost or invalid, because a teardown only needs labels."""
    try:
        return read_record(folder_of(context.root, context.identity.name))
    except NexusError:
        return None


class RemovedResources(Struct, frozen=True, kw_only=True):
    """The removed resources by their short names."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def removed(plan: Plan) -> RemovedResources:
    """Return the resources that a plan removes."""

    def of(kind: str) -> tuple[str, ...]:
        return tuple(step.resource for step in plan.steps if step.removes == kind)

    return RemovedResources(containers=of("containers"), networks=of("networks"), volumes=of("volumes"))


def require_gone(left: Sequence[str], *, command: str) -> None:
    """Raise an error if resources are left after a removal.

    Args:
        left: The resources that are left, in words.
        command: Name of the command, for the hint: ``down``.

    Raises:
        TeardownIncomplete: A resource is left.
    """
    if left:
        raise TeardownIncomplete(
            f"{len(left)} {'resource was' if len(left) == 1 else 'resources were'} not removed",
            why="the runtime failed to remove them",
            hint=f"nexusdev {command}   try again\nnexusdev doctor   check the runtime",
            evidence=tuple(left),
        )
