"""Plans ``stop``, ``start``, ``restart`` and ``halt`` of existing workloads; needs no stack. Pure.

A workload as a whole is scaled. A single member of a StatefulSet cannot be scaled away, and a deleted pod comes back: it is *held* instead.
Its pod loses the label by which its controller knows it and gets a deadline, so that it ends with its log, and its name is taken: the
controller cannot make another one until the pod is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from nexusdev.errors import NotFound
from nexusdev.plan import Phase, Plan
from nexusdev.runtimes.kubernetes.observation import service_phase
from nexusdev.runtimes.kubernetes.plan.steps import KubernetesAction, KubernetesStep, pods_in, running_in, services_in
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Workload
from nexusdev.util.nearest import nearest

STOPPED = "stop was requested"
RESTARTED = "restart was requested"


def plan_stop(seen: ClusterSnapshot, services: Collection[str] | None) -> Plan:
    """Stop these services (default: all), and those that share their pods."""
    chosen = chosen_members(seen, services)
    stores = {each.name for each in chosen if each.is_store}
    steps = [
        _stop(seen, workload, ordinals, STOPPED, after=_users_of(workload, chosen))
        for workload, ordinals in sorted(chosen.items(), key=lambda each: each[0].name in stores)
        if any(not _is_stopped(seen, workload, ordinal) for ordinal in ordinals)
    ]
    return Plan(steps=tuple(steps))


def plan_start(seen: ClusterSnapshot, services: Collection[str] | None) -> Plan:
    """Start these services (default: all), and those that share their pods. A group that is scaled to nothing starts as a whole."""
    steps = []
    for workload, ordinals in chosen_members(seen, services).items():
        if paused := [each for each in ordinals if _is_paused(seen, workload, each)]:
            steps.append(resume(seen, workload, paused))
        waiting = [each for each in ordinals if _is_stopped(seen, workload, each)]
        if waiting:
            steps.append(start(seen, workload, waiting, "it is stopped"))
    return Plan(steps=tuple(steps))


def plan_restart(seen: ClusterSnapshot, services: Collection[str] | None) -> Plan:
    """Replace the pods of these services (default: all)."""
    chosen = chosen_members(seen, services)
    return Plan(steps=tuple(restart(seen, each, ordinals, RESTARTED) for each, ordinals in chosen.items()))


def plan_halt(seen: ClusterSnapshot, service: str, reason: str) -> Plan:
    """Hold the pod of a service that crashed. Nothing to do if there is none."""
    chosen = (
        chosen_members(seen, [service]) if any(service in each.services for each in seen.workloads.values()) else {}
    )
    steps = [
        hold(seen, workload, ordinals, reason)
        for workload, ordinals in chosen.items()
        if any(not pod.held for pod in pods_in(seen, workload, ordinals))
    ]
    return Plan(steps=tuple(steps))


def chosen_members(seen: ClusterSnapshot, services: Collection[str] | None) -> dict[Workload, tuple[int, ...]]:
    """Return workload → the members that contain one of these services.

    Args:
        seen: What exists.
        services: Their names; None for all.

    Raises:
        NotFound: A service does not exist.
    """
    known = {name: each for each in seen.workloads.values() for name in each.services}
    for name in services or ():
        if name not in known:
            raise _not_found(name, known)
    found = {}
    for workload in seen.workloads.values():
        wanted = [
            ordinal
            for ordinal in range(workload.size)
            if services is None or services_in(workload, [ordinal]) & set(services)
        ]
        if wanted:
            found[workload] = tuple(wanted)
    return found


def start(seen: ClusterSnapshot, workload: Workload, ordinals: Sequence[int], reason: str) -> KubernetesStep:
    """Return the step that starts members; all of them if the workload has no pods."""
    members = range(workload.size) if workload.replicas < workload.size else ordinals
    waiting = [each for each in members if _is_stopped(seen, workload, each)]
    return KubernetesStep(
        action=KubernetesAction.START,
        resource=workload.name,
        reason=reason,
        component=workload.component,
        starts=services_in(workload, waiting),
        workload=workload.ref,
        replicas=workload.size,
        pods=tuple(pod.name for pod in pods_in(seen, workload, waiting) if pod.held),
    )


def restart(seen: ClusterSnapshot, workload: Workload, ordinals: Sequence[int], reason: str) -> KubernetesStep:
    """Return the step that replaces the pods of members."""
    return KubernetesStep(
        action=KubernetesAction.RESTART,
        resource=workload.name,
        reason=reason,
        component=workload.component,
        starts=services_in(workload, ordinals),
        ends=running_in(seen, workload, ordinals),
        workload=workload.ref,
        replicas=max(workload.replicas, max(ordinals) + 1),
        pods=tuple(pod.name for pod in pods_in(seen, workload, ordinals)),
    )


def resume(seen: ClusterSnapshot, workload: Workload, ordinals: Sequence[int]) -> KubernetesStep:
    """Return the step that resumes paused members."""
    return KubernetesStep(
        action=KubernetesAction.RESUME,
        resource=workload.name,
        reason="it is paused",
        component=workload.component,
        starts=services_in(workload, ordinals),
        pods=tuple(pod.name for pod in pods_in(seen, workload, ordinals)),
    )


def hold(seen: ClusterSnapshot, workload: Workload, ordinals: Sequence[int], reason: str) -> KubernetesStep:
    """Return the step that ends members and keeps their pods. A Deployment would replace its pod: it is scaled to nothing as well."""
    return KubernetesStep(
        action=KubernetesAction.STOP,
        resource=workload.name,
        reason=reason,
        component=workload.component,
        ends=running_in(seen, workload, ordinals),
        workload=workload.ref,
        replicas=0 if workload.kind == "Deployment" else workload.replicas,
        pods=tuple(pod.name for pod in pods_in(seen, workload, ordinals) if not pod.held),
    )


def _stop(
    seen: ClusterSnapshot, workload: Workload, ordinals: Sequence[int], reason: str, *, after: tuple[str, ...]
) -> KubernetesStep:
    """Return the step that stops members: all of them by the number of replicas, single ones by holding their pods."""
    if len(ordinals) < workload.size:
        return hold(seen, workload, ordinals, reason)
    return KubernetesStep(
        action=KubernetesAction.STOP,
        resource=workload.name,
        reason=reason,
        after=after,
        component=workload.component,
        ends=running_in(seen, workload, ordinals),
        workload=workload.ref,
        replicas=0,
    )


def _users_of(workload: Workload, chosen: Iterable[Workload]) -> tuple[str, ...]:
    """Return the workloads that need this store until they have stopped."""
    if not workload.is_store:
        return ()
    return tuple(each.name for each in chosen if not each.is_store and each.component == workload.component)


def _is_stopped(seen: ClusterSnapshot, workload: Workload, ordinal: int) -> bool:
    pod = seen.pod_of(workload, ordinal)
    return workload.replicas == 0 or (pod.held if pod else ordinal >= workload.replicas)


def _is_paused(seen: ClusterSnapshot, workload: Workload, ordinal: int) -> bool:
    pod = seen.pod_of(workload, ordinal)
    return any(
        service_phase(workload, ordinal, each.container, pod)[0] is Phase.SUSPENDED for each in workload.containers
    )


def _not_found(name: str, known: Mapping[str, Workload]) -> NotFound:
    near = nearest(name, known)
    return NotFound(
        f"there is no service {name}",
        why=f"existing: {', '.join(known) or 'none'}",
        hint=f"did you mean {near[0]}?" if near else "nexusdev up    create what is missing",
    )
