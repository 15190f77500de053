"""The services of a stack as groups of equal pods: the members of a group, each with the containers that share its network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.refusals import refusal
from nexusdev.stack.model import FileMount, Service, Stack
from nexusdev.stack.order import ordered

#: Variable with the pod's name, which the downward API sets. Values of a group that contain the member's own name refer to it.
POD_NAME = "POD_NAME"


class PodGroup(Struct, frozen=True, kw_only=True):
    """Equal pods.

    Attributes:
        members: The services, by ordinal. Each is the main container of one pod.
        sidecars: Per sidecar container, the services that are this container in the pod of each member.
    """

    name: str
    members: tuple[Service, ...]
    sidecars: tuple[tuple[Service, ...], ...] = ()

    @property
    def first(self) -> Service:
        return self.members[0]

    @property
    def component(self) -> str:
        return self.first.component

    @property
    def is_replicated(self) -> bool:
        """Whether it is a StatefulSet: a group of several members."""
        return len(self.members) > 1

    @property
    def containers(self) -> tuple[tuple[Service, ...], ...]:
        """Per container of the pod, the services that are this container in the pod of each member."""
        return (self.members, *self.sidecars)

    @property
    def files(self) -> tuple[FileMount, ...]:
        """The files of all containers, each config and secret once."""
        found = {(file.kind, file.name): file for services in self.containers for file in services[0].files}
        return tuple(found.values())


def pod_groups(stack: Stack) -> tuple[PodGroup, ...]:
    """Return the groups of pods, each after those that it depends on.

    Raises:
        InvalidConfig: The services cannot be grouped into equal pods.
    """
    found: dict[tuple[str, str], list[Service]] = {}
    for service in ordered(stack.services):
        if not service.shares:
            found.setdefault((service.component, service.group), []).append(service)
    groups = tuple(_group(sorted(members, key=lambda each: each.ordinal), stack) for members in found.values())
    _refuse_equal_names(groups, stack)
    return groups


def group_of(groups: Iterable[PodGroup]) -> Mapping[str, PodGroup]:
    """Return service → the group whose pods contain it."""
    return {service.name: group for group in groups for services in group.containers for service in services}


def own_name_as_variable(values: Sequence[str], names: Sequence[str]) -> str | None:
    """Return one text for all members, with ``$(POD_NAME)`` where each has its own name; None if they differ otherwise.

    Args:
        values: The text of each member.
        names: The name of each member, in the same order.
    """
    escaped = [value.replace("$(", "$$(") for value in values]
    if len(set(escaped)) == 1:
        return escaped[0]
    replaced = {value.replace(name, f"$({POD_NAME})") for value, name in zip(escaped, names, strict=True)}
    return replaced.pop() if len(replaced) == 1 else None


def _group(members: Sequence[Service], stack: Stack) -> PodGroup:
    first = members[0]
    group = PodGroup(name=first.group, members=tuple(members), sidecars=_sidecars(members, stack))
    for number, member in enumerate(members):
        expected = f"{first.group}-{number}" if group.is_replicated else member.name
        if member.name != expected:
            raise refusal(
                stack,
                member,
                "x-nexusdev",
                f"{member.name} cannot be pod {number} of group {first.group}",
                why=f"the pods of a StatefulSet are numbered from 0: this one is {expected}",
                hint=f"name the service {expected}, or give it a group of its own",
            )
        if not group.is_replicated and group.name != member.name:
            raise refusal(
                stack,
                member,
                "x-nexusdev",
                f"{member.name} is the only member of group {group.name}",
                why="a Deployment has the name of its group, and its Service the name of the compose service",
                hint=f"group: {member.name}",
            )
    return group


def _sidecars(members: Sequence[Service], stack: Stack) -> tuple[tuple[Service, ...], ...]:
    """Return the sidecars of the members. Every pod must have the same ones."""
    found: dict[str, dict[str, Service]] = {}
    for service in stack.services.values():
        if service.shares in {member.name for member in members}:
            by_owner = found.setdefault(service.group, {})
            by_owner[service.shares] = service
    for group, by_owner in found.items():
        for member in members:
            if member.name not in by_owner:
                raise refusal(
                    stack,
                    member,
                    "",
                    f"{member.name} has no sidecar {group}",
                    why="the pods of a group are equal, and another member has one",
                )
    return tuple(tuple(by_owner[member.name] for member in members) for by_owner in found.values())


def _refuse_equal_names(groups: Sequence[PodGroup], stack: Stack) -> None:
    """Refuse two groups of different components with one name: it is the name of their workloads."""
    taken: dict[str, PodGroup] = {}
    for group in groups:
        if group.name in taken:
            raise refusal(
                stack,
                group.first,
                "x-nexusdev",
                f"group {group.name} is also a group of component {taken[group.name].component}",
                why="a group is a workload, and names of workloads are unique",
            )
        taken[group.name] = group
