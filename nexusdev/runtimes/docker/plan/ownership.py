"""Refuses plans that would touch resources of other owners. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nexusdev.errors import IdentityMismatch, NexusError, PreflightFailed, TeardownIncomplete
from nexusdev.plan import Plan
from nexusdev.runtimes.docker.plan.snapshot import NetworkState, Snapshot, Volume
from nexusdev.runtimes.docker.plan.steps import Action
from nexusdev.util.humanize import join_names


def require_ownership(
    snapshot: Snapshot, owner_path: str, *, wanted: Mapping[str, str], former: Collection[str] = ()
) -> None:
    """Raise an error if the instance belongs to another folder, or if a required container name is in use.

    Args:
        snapshot: The existing resources.
        owner_path: The project folder of this command.
        wanted: Service to create → the name of its container.
        former: Earlier paths of a moved project folder, which labels still have.

    Raises:
        IdentityMismatch: The owner differs, or a container of another owner has a required name.
    """
    _refuse_other_owner(snapshot, owner_path, former)
    taken = {service: image for service, image in snapshot.name_conflicts.items() if service in wanted}
    if not taken:
        return
    service, image = next(iter(taken.items()))
    raise IdentityMismatch(
        f"the container name for {service} is in use: {wanted[service]}",
        why=f"a container of {image} without this instance's labels has it; nexusdev does not touch foreign containers",
        hint="\n".join(
            (
                f"docker inspect {wanted[service]}   show it",
                f"docker rm {wanted[service]}   or rename it, then run nexusdev up",
            )
        ),
        evidence=[f"{wanted[name]}: image {origin}" for name, origin in taken.items()] if len(taken) > 1 else (),
        code="FOREIGN_CONTAINER",
    )


def _refuse_other_owner(snapshot: Snapshot, owner_path: str, former: Collection[str]) -> None:
    """Raise an error if two folders use the same instance name: the second must not take over the resources of the first."""
    holders = (
        *snapshot.containers.values(),
        *snapshot.orphans,
        *snapshot.volumes.values(),
        *((snapshot.network,) if snapshot.network else ()),
    )
    for holder in holders:
        if holder.owner_path and holder.owner_path not in (owner_path, *former):
            raise IdentityMismatch(
                f"this instance belongs to {holder.owner_path}",
                why=f"its resources are labeled with that folder, not {owner_path}",
                hint="nexusdev ls   show it and its folder\nnexusdev -i NAME up   use another name here",
            )


def refuse_strangers(plan: Plan, snapshot: Snapshot, *, command: str) -> None:
    """Raise an error, before any removal, if the plan removes a network or volumes that containers outside the instance use.

    Args:
        plan: The plan.
        snapshot: The existing resources.
        command: Name of the command to retry.

    Raises:
        TeardownIncomplete: For ``down`` and ``destroy`` (exit 8).
        PreflightFailed: For ``up`` (exit 5).
    """
    held = _held(plan, snapshot)
    if not held:
        return
    strangers = tuple(dict.fromkeys(name for each in held for name in each.strangers))
    kind: type[NexusError] = PreflightFailed if command.startswith("up") else TeardownIncomplete
    raise kind(
        f"{join_names([_thing(each) for each in held])} {'is' if len(held) == 1 else 'are'} in use by {_containers(strangers)}",
        why="nexusdev does not touch foreign containers, and the engine cannot remove what they use; nothing was changed",
        hint="\n".join((*(line for each in held for line in releases(each)), f"nexusdev {command}   then retry")),
        evidence=tuple(f"{_thing(each)}: {', '.join(each.strangers)}" for each in held) if len(held) > 1 else (),
        code=_code(held[0]),
    )


def came_between(thing: NetworkState | Volume) -> TeardownIncomplete:
    """Return the error for a container that attached itself after the observation. The error names none if it cannot be listed."""
    return TeardownIncomplete(
        f"{_thing(thing)} is in use by {_containers(thing.strangers) if thing.strangers else 'a container that the engine does not name'}",
        why="it was not in use when the command started; what was removed so far stays removed",
        hint="\n".join((*releases(thing), "nexusdev doctor   if the command fails again")),
        code=_code(thing),
    )


def releases(thing: NetworkState | Volume) -> tuple[str, ...]:
    """Return the commands that detach these containers."""
    if isinstance(thing, NetworkState):
        return tuple(f"docker network disconnect {thing.full_name} {name}" for name in thing.strangers)
    return tuple(f"docker rm -f {name}   it uses {thing.full_name}" for name in thing.strangers)


def _held(plan: Plan, snapshot: Snapshot) -> tuple[NetworkState | Volume, ...]:
    network = snapshot.network
    going = {step.resource for step in plan.steps if step.action is Action.REMOVE_VOLUME}
    without_network = any(step.action is Action.REMOVE_NETWORK for step in plan.steps)
    return (
        *((network,) if network and network.strangers and without_network else ()),
        *(each for name, each in snapshot.volumes.items() if name in going and each.strangers),
    )


def _thing(thing: NetworkState | Volume) -> str:
    return f"{'network' if isinstance(thing, NetworkState) else 'volume'} {thing.full_name}"


def _code(thing: NetworkState | Volume) -> str:
    return "NETWORK_IN_USE" if isinstance(thing, NetworkState) else "VOLUME_IN_USE"


def _containers(names: Sequence[str]) -> str:
    return f"container{'s' if len(names) > 1 else ''} {join_names(names)}, which {'are' if len(names) > 1 else 'is'} not this instance's"
