"""Plans the removal of an instance by its labels alone. Pure.

A sidecar is removed before the owner of its network; a store after the servers that keep their state in it (a Patroni without its etcd
uses its whole grace period); the network last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from nexusdev.plan import Plan
from nexusdev.runtimes.docker.plan.snapshot import Container, Snapshot
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep


def plan_down(snapshot: Snapshot, *, volumes: bool, cause: str = "") -> Plan:
    """Remove all containers and the network. Needs no stack.

    Args:
        snapshot: The existing resources.
        volumes: Whether to remove the volumes too.
        cause: The reason that the steps show.
    """
    reason = cause or ("the instance is destroyed" if volumes else "the instance is taken down")
    containers = [(container, name, reason) for name, container in snapshot.containers.items()]
    orphans = [(container, container.name, reason) for container in snapshot.orphans]
    stores = {container.id for container in snapshot.containers.values() if is_store(container)}
    steps = [*one_off_removals(snapshot, reason)]
    steps += [_at_once(step) if step.target in stores else step for step in removals([*containers, *orphans])]
    removed = tuple(step.resource for step in steps)
    if snapshot.network:
        steps.append(_removal(Action.REMOVE_NETWORK, "nexus", snapshot.network.id, reason, removed))
    if volumes:
        steps += [
            _removal(Action.REMOVE_VOLUME, name, volume.full_name, reason, removed)
            for name, volume in snapshot.volumes.items()
        ]
    return Plan(steps=tuple(steps))


def one_off_removals(snapshot: Snapshot, cause: str) -> list[DockerStep]:
    """Return the steps that remove the one-off containers on the network."""
    return [
        DockerStep(action=Action.REMOVE, resource=each.name, reason=cause, target=each.id, kill=True)
        for each in snapshot.one_offs
    ]


def remove_one_offs(snapshot: Snapshot, names: Collection[str], cause: str) -> Plan:
    """Remove these one-off containers."""
    return Plan(steps=tuple(step for step in one_off_removals(snapshot, cause) if step.resource in names))


def without(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Return the snapshot as it will be after these removals."""
    gone = {
        action: {step.resource for step in plan.steps if step.action is action}
        for action in (Action.REMOVE, Action.REMOVE_VOLUME)
    }
    return replace(
        snapshot,
        containers={name: each for name, each in snapshot.containers.items() if name not in gone[Action.REMOVE]},
        volumes={name: each for name, each in snapshot.volumes.items() if name not in gone[Action.REMOVE_VOLUME]},
    )


def _at_once(step: DockerStep) -> DockerStep:
    """Kill an unused store whose peers are removed too: a graceful stop would try to transfer its leadership until a timeout. Its log is synced."""
    return replace(step, kill=True)


def plan_discard(
    snapshot: Snapshot, volumes: Mapping[str, Collection[str]], *, cause: str = "its data is destroyed"
) -> Plan:
    """Remove the containers of these services, the containers that share their networks, and these volumes.

    Args:
        snapshot: The existing resources.
        volumes: Service → its volumes to remove.
        cause: The reason that the steps show.
    """
    selected = {name: container for name, container in snapshot.containers.items() if name in volumes}
    owners = {container.id for container in selected.values()}
    sharers = {name: each for name, each in snapshot.containers.items() if each.namespace_of in owners}
    steps = removals([(container, name, cause) for name, container in {**selected, **sharers}.items()])
    after = tuple(step.resource for step in steps)
    steps += [
        _removal(Action.REMOVE_VOLUME, name, snapshot.volumes[name].full_name, cause, after)
        for name in dict.fromkeys(each for several in volumes.values() for each in several)
        if name in snapshot.volumes
    ]
    return Plan(steps=tuple(steps))


def _removal(action: Action, resource: str, target: str, cause: str, after: tuple[str, ...]) -> DockerStep:
    return DockerStep(action=action, resource=resource, reason=cause, target=target, after=after)


def removals(gone: Sequence[tuple[Container, str, str]]) -> list[DockerStep]:
    """Return steps that remove containers in an order in which each can stop gracefully.

    Servers that others wait for (those with a store) come first, because they determine the duration.

    Args:
        gone: The containers, each with its subject and reason.
    """
    sharers: dict[str, list[str]] = {}
    users: dict[str, list[str]] = {}
    stored = {container.component for container, _, _ in gone if is_store(container)}
    for container, resource, _ in gone:
        sharers.setdefault(container.namespace_of, []).append(resource)
        if not is_store(container):
            users.setdefault(container.component, []).append(resource)
    return [
        DockerStep(
            action=Action.REMOVE,
            resource=resource,
            reason=cause,
            target=container.id,
            after=(
                *sharers.get(container.id, ()),
                *(users.get(container.component, ()) if is_store(container) else ()),
            ),
        )
        for container, resource, cause in sorted(
            gone, key=lambda each: (is_store(each[0]), not each[0].namespace_of, each[0].component not in stored)
        )
    ]


def is_store(container: Container) -> bool:
    """Return whether the servers of its component need it until they have stopped."""
    return container.role == "store"
