"""Wraps a snapshot of a namespace as a neutral Observation. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusdev.errors import NexusError
from nexusdev.plan import Exit, Observation, ObservedService, Phase, Problem
from nexusdev.runtimes.kubernetes.pod_services import ContainerServices
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Ended, Pod, PodContainer, Workload

# A server without a handler for its stop signal exits with 143.
IN_PEACE = (0, 143)
_KILLED_FOR_MEMORY = "OOMKilled"
#: Reasons for which a container waits and will not start without a change.
NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
#: Reasons for which a container waits as part of a normal start.
STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_CRASHING = "CrashLoopBackOff"


class KubernetesObservation(Observation, frozen=True, kw_only=True):
    """An observation with the snapshot that plans are made from."""

    snapshot: ClusterSnapshot


def snapshot_of(observation: Observation) -> ClusterSnapshot:
    """Return the snapshot of an observation. Raises NexusError for an observation of another runtime."""
    if not isinstance(observation, KubernetesObservation):
        raise NexusError("the observation belongs to another runtime")
    return observation.snapshot


def observation_of(seen: ClusterSnapshot, *, namespace: str) -> KubernetesObservation:
    """Return the runtime-independent observation of a snapshot. ``namespace``: its name."""
    services = dict(_services(seen))
    return KubernetesObservation(
        snapshot=seen,
        services=services,
        volumes={volume: f"{namespace}/{each.name}" for volume, each in seen.claims.items() if not each.terminating},
        objects=(*(each.object for each in services.values()), *_objects(seen)),
        owners=seen.owners,
        state_path=next((path for path in _state_paths(seen) if path), ""),
        holding_ports=frozenset(_with_ports(seen)),
        problems=tuple(_problems(seen, namespace)),
    )


def service_phase(workload: Workload, ordinal: int, container: str, pod: Pod | None) -> tuple[Phase, str]:
    """Return the phase of a service, and the cluster's word for it.

    Args:
        workload: Its workload.
        ordinal: Its number in the group.
        container: Its container.
        pod: Its pod; None if there is none.
    """
    if pod is None:
        return (Phase.PENDING, "Pending") if ordinal < workload.replicas else (Phase.STOPPED, "scaled down")
    if pod.terminating and not pod.held:
        return (Phase.PENDING, "Terminating") if ordinal < workload.replicas else (Phase.STOPPED, "Terminating")
    status = pod.containers.get(container)
    if status is None:
        return (Phase.FAILED, pod.phase) if pod.is_over else (Phase.PENDING, pod.phase or "Pending")
    if status.runs:
        is_paused = pod.paused.get(container) == status.id
        return (Phase.SUSPENDED, "paused") if is_paused else (Phase.RUNNING, "Running")
    if pod.held:
        peaceful = status.ended is None or status.ended.code in IN_PEACE
        return (Phase.STOPPED, "held") if peaceful else (Phase.FAILED, "held")
    return _phase_of_restarting(status, pod)


def _phase_of_restarting(status: PodContainer, pod: Pod) -> tuple[Phase, str]:
    if pod.is_over:
        return Phase.FAILED, pod.phase
    if status.is_starting:
        return Phase.PENDING, "StartError"
    if status.ended or status.waiting == _CRASHING:
        return Phase.RESTARTING, status.waiting or "Terminated"
    return Phase.PENDING, status.waiting or "Waiting"


def _services(seen: ClusterSnapshot) -> Iterator[tuple[str, ObservedService]]:
    for workload in seen.workloads.values():
        for container in workload.containers:
            for ordinal, name in enumerate(container.members):
                yield name, _service(seen, workload, container, ordinal)


def _service(seen: ClusterSnapshot, workload: Workload, container: ContainerServices, ordinal: int) -> ObservedService:
    pod = seen.pod_of(workload, ordinal)
    phase, word = service_phase(workload, ordinal, container.container, pod)
    status = pod.containers.get(container.container) if pod else None
    ended = status.last if status else None
    where = f"pod {workload.name}-{ordinal}" if workload.kind == "StatefulSet" else f"deployment {workload.name}"
    return ObservedService(
        service=container.members[ordinal],
        component=container.component,
        role=container.role,
        phase=phase,
        word=word,
        since=(status.started if status.runs else ended.started if ended else 0.0) if status else 0.0,
        exit=_exit(ended, phase),
        owner=workload.owner,
        object=f"container {container.container} of {where}",
    )


def _exit(ended: Ended | None, phase: Phase) -> Exit | None:
    if ended is None or phase is Phase.PENDING:
        return None
    return Exit(
        code=ended.code,
        reason=ended.message,
        out_of_memory=ended.reason == _KILLED_FOR_MEMORY,
        at=ended.at,
    )


def _state_paths(seen: ClusterSnapshot) -> Iterator[str]:
    yield from (each.state_path for each in seen.workloads.values())
    yield from (each.state_path for each in seen.claims.values())


def _objects(seen: ClusterSnapshot) -> Iterator[str]:
    for key in seen.checksums:
        kind, _, name = key.partition("/")
        if not (name in seen.workloads and seen.workloads[name].containers and kind == seen.workloads[name].kind):
            yield f"{kind.lower()} {name}"
    # a pod that nothing keeps running, such as one whose workload was deleted alone
    for pod in seen.pods:
        if pod.ours and (pod.one_off or pod.group not in seen.workloads) and not pod.terminating:
            yield f"pod {pod.name}"


def _with_ports(seen: ClusterSnapshot) -> Iterator[str]:
    for workload in seen.workloads.values():
        for container in workload.containers:
            yield from (name for name, ports in zip(container.members, container.ports, strict=True) if ports)


def _problems(seen: ClusterSnapshot, namespace: str) -> Iterator[Problem]:
    if seen.namespace and seen.namespace.terminating:
        yield Problem(evidence=f"namespace {namespace} is being deleted", fix="nexusdev up   once it is gone")
    elif seen.workloads:
        yield from _isolation(seen)
    for workload in seen.workloads.values():
        if workload.problem:
            yield Problem(evidence=f"{workload.name} can have no pod: {workload.problem}")
    for pod in seen.pods:
        if pod.ours and not pod.terminating:
            yield from _pod_problems(pod)


def _isolation(seen: ClusterSnapshot) -> Iterator[Problem]:
    missing = [name for name in ("default-deny", "allow-dns") if f"NetworkPolicy/{name}" not in seen.checksums]
    missing += [
        name
        for name in seen.workloads
        if seen.checksums.get(f"Service/{name}") and f"NetworkPolicy/{name}" not in seen.checksums
    ]
    if missing:
        yield Problem(
            evidence=f"the network policy {missing[0]} is missing: pods are not isolated as they shall be",
            fix="nexusdev up",
        )


def _pod_problems(pod: Pod) -> Iterator[Problem]:
    if pod.problem:
        yield Problem(evidence=f"pod {pod.name}: {pod.problem}", fix=f"kubectl describe pod {pod.name}")
    for container in pod.containers.values():
        if container.waiting not in STARTING and container.waiting != _CRASHING:
            evidence = f"pod {pod.name}: {container.waiting}: {container.message}".rstrip(": ")
            yield Problem(evidence=evidence, fix=f"kubectl describe pod {pod.name}")
