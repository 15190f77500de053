"""Takes an instance down by its labels alone, without stack, settings or state folder, and checks that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.env import stored
from nexusdev.errors import IdentityMismatch, NexusError, TeardownIncomplete
from nexusdev.instance.places import is_missing
from nexusdev.instance.state import Record, folder_of, read_record
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan import Down, Observation, Plan


def take_down(context: Context, *, volumes: bool) -> Plan:
    """Remove everything except the data; with ``volumes`` the data too.

    Args:
        context: The context of the command.
        volumes: Whether to remove the data volumes.

    Returns:
        The plan that was executed.

    Raises:
        TeardownIncomplete: Others use what has to go (nothing is removed then), or something is left.
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
    """Refuse to touch another folder's instance, unless that folder is missing: then nobody else can clean up after it."""
    identity, record = context.identity, _record(context)
    ours = {str(identity.project), *(record.former if record else ())}
    for owner in {*observation.owners, *((record.owner,) if record else ())} - ours:
        if not is_missing(Path(owner)):
            raise IdentityMismatch(
                f"instance {identity.name} belongs to another folder",
                why=f"{owner} owns it; you are in {identity.project}",
                hint=f"nexusdev -C {owner} status   show it from that folder",
            )


def _record(context: Context) -> Record | None:
    """What the state says of the owner; None too where it is lost or broken: a teardown needs labels alone."""
    try:
        return read_record(folder_of(context.root, context.identity.name))
    except NexusError:
        return None


class RemovedResources(Struct, frozen=True, kw_only=True):
    """What is gone, each by its short name."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def removed(plan: Plan) -> RemovedResources:
    """What a plan removes."""

    def of(kind: str) -> tuple[str, ...]:
        return tuple(step.resource for step in plan.steps if step.removes == kind)

    return RemovedResources(containers=of("containers"), networks=of("networks"), volumes=of("volumes"))


def require_gone(left: Sequence[str], *, command: str) -> None:
    """Check that nothing is left after a removal.

    Args:
        left: What is left, in words.
        command: For the hint: ``down``.

    Raises:
        TeardownIncomplete: Something is left.
    """
    if left:
        raise TeardownIncomplete(
            f"{len(left)} {'resource was' if len(left) == 1 else 'resources were'} not removed",
            why="the runtime failed to remove them",
            hint=f"nexusdev {command}   try again\nnexusdev doctor   check the runtime",
            evidence=tuple(left),
        )
