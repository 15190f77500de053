"""Where a service runs: which workload, pod and container."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.render.pod_groups import pod_groups
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Pod, PodContainer, Workload


class PodTarget(Struct, frozen=True, kw_only=True):
    """What kubectl addresses for a service. ``ref``: ``pod/name`` or ``deployment/name``."""

    ref: str
    container: str


class ServicePlace(Struct, frozen=True, kw_only=True):
    """The pod and the container in which a service exists.

    Attributes:
        main: The service of the pod's main container.
        status: The container; None if it was never started.
    """

    workload: Workload
    ordinal: int
    container: str
    main: str
    pod: Pod
    status: PodContainer | None


def target_of(service: str, names: InstanceNames, look: Callable[[], ClusterSnapshot]) -> PodTarget:
    """Return what kubectl addresses for a service: by the stack, which costs no request, or by what exists.

    Args:
        service: The service.
        names: The instance.
        look: Returns what exists.

    Raises:
        NotFound: There is no such service.
    """
    for group in pod_groups(names.stack) if names.stack else ():
        for services in group.containers:
            for ordinal, each in enumerate(services):
                if each.name == service:
                    pod = f"pod/{group.members[ordinal].name}"
                    ref = pod if group.is_replicated else f"deployment/{group.name}"
                    return PodTarget(ref=ref, container=services[0].group)
    place = place_of(service, look())
    return PodTarget(ref=f"pod/{place.pod.name}", container=place.container)


def place_of(service: str, seen: ClusterSnapshot, *, running: bool = False) -> ServicePlace:
    """Return where a service is.

    Args:
        service: The service.
        seen: What exists.
        running: Whether it has to run.

    Raises:
        NotFound: It does not exist, has no pod, or does not run.
    """
    for workload in seen.workloads.values():
        for container in workload.containers:
            if service not in container.members:
                continue
            ordinal = container.members.index(service)
            pod = seen.pod_of(workload, ordinal)
            status = pod.containers.get(container.container) if pod else None
            if pod is None or (running and not (status and status.runs)):
                raise shared_errors.no_container(service)
            return ServicePlace(
                workload=workload,
                ordinal=ordinal,
                container=container.container,
                main=workload.containers[0].members[ordinal],
                pod=pod,
                status=status,
            )
    raise shared_errors.no_container(service)
