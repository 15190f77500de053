"""Plans the removal of an instance by its labels alone. Pure.

A store is removed after the servers that keep their state in it; the policies of all pods after the pods, so that these stay isolated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from nexusdev.errors import NexusError
from nexusdev.plan import Plan
from nexusdev.runtimes.kubernetes.plan.lifecycle import chosen_members, hold
from nexusdev.runtimes.kubernetes.plan.steps import POLICIES, KubernetesAction, KubernetesStep, running_in
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot


def plan_down(seen: ClusterSnapshot, *, volumes: bool, project: str, cause: str = "") -> Plan:
    """Delete everything but the data, or with ``volumes`` everything.

    Args:
        seen: What exists.
        volumes: Whether to delete the data, too.
        project: The instance, as its label has it. Only its own namespace is deleted, and only if nobody else has anything in it.
        cause: The reason that the steps show.
    """
    reason = cause or ("the instance is destroyed" if volumes else "the instance is taken down")
    steps = [*delete_pods((each.name for each in seen.pods if each.ours and each.one_off), reason)]
    steps += delete_groups(seen, groups_of(seen), reason)
    before = tuple(step.resource for step in steps)
    if base := tuple(_ref(key) for key, group in seen.groups.items() if not group):
        steps.append(
            KubernetesStep(action=KubernetesAction.DELETE, resource=POLICIES, reason=reason, deletes=base, after=before)
        )
    if volumes:
        steps += delete_volumes(seen, seen.claims, reason, before)
        is_ours = seen.namespace and seen.namespace.project == project and not seen.namespace.terminating
        if (
            is_ours and not seen.foreign and all(each.ours for each in seen.pods)
        ):  # others would lose what they have in it
            before = tuple(step.resource for step in steps)
            steps.append(
                KubernetesStep(
                    action=KubernetesAction.DELETE_NAMESPACE, resource="namespace", reason=reason, after=before
                )
            )
    return Plan(steps=tuple(steps))


def plan_discard(seen: ClusterSnapshot, services: Mapping[str, Collection[str]], *, cause: str) -> Plan:
    """Delete the workloads of these services, and these volumes. Single members of a group are held instead: their group needs its workload.

    Args:
        seen: What exists.
        services: Service → its volumes to delete.
        cause: The reason that the steps show.
    """
    existing = [name for name in services if any(name in each.services for each in seen.workloads.values())]
    steps: list[KubernetesStep] = []
    for workload, ordinals in (chosen_members(seen, existing) if existing else {}).items():
        if len(ordinals) == workload.size:
            steps += delete_groups(seen, [workload.name], cause)
        else:
            steps.append(hold(seen, workload, ordinals, cause))
    volumes = dict.fromkeys(volume for several in services.values() for volume in several if volume in seen.claims)
    return Plan(steps=(*steps, *delete_volumes(seen, volumes, cause, tuple(step.resource for step in steps))))


def without(seen: ClusterSnapshot, plan: Plan) -> ClusterSnapshot:
    """Return the snapshot as it will be after a plan of ``plan_discard``."""
    steps = [step for step in plan.steps if isinstance(step, KubernetesStep)]
    gone = {step.resource for step in steps if step.action is KubernetesAction.DELETE}
    held = {name for step in steps if step.action is KubernetesAction.STOP for name in step.pods}
    lost = {step.resource for step in steps if step.action is KubernetesAction.DELETE_VOLUME}
    return replace(
        seen,
        workloads={name: each for name, each in seen.workloads.items() if name not in gone},
        pods=tuple(
            replace(each, held=True) if each.name in held else each for each in seen.pods if each.group not in gone
        ),
        claims={name: each for name, each in seen.claims.items() if name not in lost},
        checksums={key: each for key, each in seen.checksums.items() if seen.groups.get(key) not in gone},
        groups={key: each for key, each in seen.groups.items() if each not in gone},
    )


def groups_of(seen: ClusterSnapshot) -> tuple[str, ...]:
    """Return the groups of which anything exists, stores last."""
    found = dict.fromkeys((*seen.workloads, *(group for group in seen.groups.values() if group)))
    orphans = dict.fromkeys(each.group for each in seen.pods if each.ours and each.group and not each.one_off)
    return tuple(sorted({**found, **orphans}, key=lambda name: _is_store(seen, name)))


def delete_groups(seen: ClusterSnapshot, groups: Iterable[str], reason: str) -> list[KubernetesStep]:
    """Return the steps that delete everything of these groups but their data."""
    chosen = tuple(groups)
    return [_delete_group(seen, name, reason, _users_of(seen, name, chosen)) for name in chosen]


def delete_volumes(
    seen: ClusterSnapshot, volumes: Iterable[str], reason: str, after: tuple[str, ...]
) -> list[KubernetesStep]:
    """Return the steps that delete data, after the steps of these resources."""
    return [
        KubernetesStep(
            action=KubernetesAction.DELETE_VOLUME,
            resource=volume,
            reason=reason,
            after=after,
            removes="volumes",
            deletes=(f"persistentvolumeclaim/{seen.claims[volume].name}",),
        )
        for volume in volumes
    ]


def delete_pods(names: Iterable[str], reason: str) -> list[KubernetesStep]:
    """Return the steps that delete pods that exist for one command."""
    return [
        KubernetesStep(
            action=KubernetesAction.DELETE, resource=name, reason=reason, deletes=(f"pod/{name}",), removes="containers"
        )
        for name in names
    ]


def refuse_users(seen: ClusterSnapshot, volumes: Iterable[str], kind: type[NexusError], command: str) -> None:
    """Raise an error, before any removal, if foreign pods mount volumes that would be deleted."""
    for volume in volumes:
        if volume in seen.claims and (users := seen.users_of(seen.claims[volume].name)):
            raise kind(
                f"volume {volume} is in use by pod {users[0]}, which is not this instance's",
                why="nexusdev does not touch foreign pods; nothing was changed",
                hint=f"kubectl delete pod {users[0]}\nnexusdev {command}   then retry",
                code="VOLUME_IN_USE",
            )


def _delete_group(seen: ClusterSnapshot, name: str, reason: str, after: tuple[str, ...]) -> KubernetesStep:
    workload = seen.workloads.get(name)
    objects = [_ref(key) for key, group in seen.groups.items() if group == name]
    return KubernetesStep(
        action=KubernetesAction.DELETE,
        resource=name,
        reason=reason,
        after=after,
        component=workload.component if workload else "",
        ends=running_in(seen, workload, range(workload.size)) if workload else frozenset(),
        removes="containers",
        deletes=tuple(objects),
        pods=tuple(pod.name for pod in seen.pods_of(name)),
    )


def _users_of(seen: ClusterSnapshot, name: str, chosen: Collection[str]) -> tuple[str, ...]:
    store = seen.workloads.get(name)
    if store is None or not store.is_store:
        return ()
    others = [each for each in seen.workloads.values() if each.component == store.component and not each.is_store]
    return tuple(each.name for each in others if each.name in chosen)


def _is_store(seen: ClusterSnapshot, name: str) -> bool:
    return name in seen.workloads and seen.workloads[name].is_store


def _ref(key: str) -> str:
    kind, _, name = key.partition("/")
    return f"{kind.lower()}/{name}"
