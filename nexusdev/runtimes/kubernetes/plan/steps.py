"""The steps of a plan on a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from nexusdev.errors import NexusError
from nexusdev.plan import Step
from nexusdev.runtimes.kubernetes.desired import Unit
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Pod, Workload

#: The resource of the step that applies the policies of all pods.
POLICIES = "network-policies"


class KubernetesAction(StrEnum):
    """The action of a step, as the word that is printed."""

    CREATE_NAMESPACE = "create namespace"
    APPLY_POLICIES = "apply policies"
    CREATE_VOLUME = "create volume"
    APPLY = "apply"
    START = "start"
    RESTART = "restart"
    RESUME = "resume"
    STOP = "stop"
    DELETE = "delete"
    DELETE_VOLUME = "delete volume"
    DELETE_NAMESPACE = "delete namespace"


class KubernetesStep(Step, frozen=True, kw_only=True):
    """One change of a workload, a volume or the namespace.

    Attributes:
        action: The action.
        unit: What is applied, for APPLY.
        objects: What is applied besides: the namespace, the policies, a claim.
        workload: The workload (``kind/name``) that is scaled; '' for none.
        replicas: How many pods it shall have.
        pods: The pods that are replaced (APPLY, START, RESTART), held (STOP) or deleted.
        resumes: Pod → its paused containers, for RESUME.
        deletes: The objects (``kind/name``) that are deleted.
    """

    action: KubernetesAction
    unit: Unit | None = None
    objects: tuple[Manifest, ...] = ()
    workload: str = ""
    replicas: int = 0
    pods: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()


def kubernetes_step(step: Step) -> KubernetesStep:
    """Return the step as a step of this runtime. Raises NexusError for a step of another runtime."""
    if not isinstance(step, KubernetesStep):
        raise NexusError(f"step {step} belongs to another runtime")
    return step


def running_in(seen: ClusterSnapshot, workload: Workload, ordinals: Iterable[int]) -> frozenset[str]:
    """Return the services that run in the pods of these members."""
    return frozenset(
        container.members[ordinal]
        for ordinal in ordinals
        if (pod := seen.pod_of(workload, ordinal))
        for container in workload.containers
        if (status := pod.containers.get(container.container)) and status.runs
    )


def services_in(workload: Workload, ordinals: Iterable[int]) -> frozenset[str]:
    """Return all services in the pods of these members."""
    return frozenset(container.members[ordinal] for ordinal in ordinals for container in workload.containers)


def pods_in(seen: ClusterSnapshot, workload: Workload, ordinals: Iterable[int]) -> tuple[Pod, ...]:
    """Return the pods of these members; all pods of a Deployment, which may have an old one beside the new."""
    if workload.kind == "Deployment":
        return seen.pods_of(workload.name)
    return tuple(pod for ordinal in ordinals if (pod := seen.pod_of(workload, ordinal)))
