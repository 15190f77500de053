"""The pods of an instance: which there are, which one a service runs in, and waiting until they run or have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from msgspec import Struct

from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import SERVICES, InstanceNames
from nexusdev.runtimes.kubernetes.observation import NO_IMAGE
from nexusdev.runtimes.kubernetes.pod_services import decode
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.snapshot import Pod
from nexusdev.runtimes.kubernetes.snapshot_parser import pod_of
from nexusdev.runtimes.kubernetes.watch import PodWatch

# A pod that does not run by then has a reason that `status` and the readiness checks tell. One that no node can take tells it at once.
_PATIENCE = 180.0
_UNSCHEDULABLE = 15.0
_SLICE = 2.0  # seconds of a watch, after which it is asked again whether it is done: time alone may decide
_LONGEST_END = 240.0
# Seconds after which pods that shall end are listed anew. One that is deleted after the list and before the watch begins is in no event.
_LIST_AGAIN = 2.0


class PodPlace(Struct, frozen=True, kw_only=True):
    """Where a service runs: a pod, a container of it, and the container's id."""

    pod: str
    container: str
    id: str = ""


def pods_of(kubectl: Kubectl, names: InstanceNames, group: str = "") -> list[Pod]:
    """Return the pods of a group, or of the whole instance, held ones as well."""
    listed = kubectl.get(["pods"], names.namespace, "--selector", names.selector)
    pods = [pod_of(each, names.project) for each in listed]
    return [each for each in pods if not each.one_off and group in ("", each.group)]


class PodWaiter:
    """Waits for pods by a watch."""

    def __init__(self, kubectl: Kubectl, names: InstanceNames) -> None:
        self._kubectl = kubectl
        self._names = names

    def until_running(self, group: str, replicas: int, *, template: str = "") -> None:
        """Return when all pods of a group have started their containers, at the latest after some minutes.

        A pod that no node can take is not waited for: ``status`` and the readiness checks tell its reason.

        Args:
            group: The group.
            replicas: How many pods it shall have.
            template: The hash of what they are made from; '' for any.

        Raises:
            ImageUnavailable: An image is not where the pods run.
            PreflightFailed: The API server does not answer.
        """

        began = time.monotonic()

        def done(manifests: Collection[Manifest]) -> bool:
            pods = [(pod_of(each, self._names.project), each) for each in manifests]
            new = [
                (pod, each)
                for pod, each in pods
                if pod.group == group and not pod.terminating and not pod.held and template in ("", pod.template)
            ]
            for pod, manifest in new:
                self._require_images(pod, manifest)
            if time.monotonic() - began > _UNSCHEDULABLE and any(pod.problem for pod, _ in new):
                return True
            return len(new) >= replicas and all(_has_started(pod, manifest) for pod, manifest in new)

        self._until(done, _PATIENCE)

    def until_ended(self, group: str, held: Collection[str], *, replicas: int) -> None:
        """Return when held pods have ended, and without replicas when no other pod is left.

        Args:
            group: The group.
            held: Names of held pods.
            replicas: How many pods the workload shall have.
        """

        def done(manifests: Collection[Manifest]) -> bool:
            pods = [pod for each in manifests if (pod := pod_of(each, self._names.project)).group == group]
            over = all(not any(each.runs for each in pod.containers.values()) for pod in pods if pod.name in held)
            return over and (replicas > 0 or all(pod.held for pod in pods))

        self._until(done, _LONGEST_END, list_again=_LIST_AGAIN)

    def _until(
        self, done: Callable[[Collection[Manifest]], bool], seconds: float, *, list_again: float = _PATIENCE
    ) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                if self._watched(done, min(left, list_again)):
                    return
            except EOFError:
                continue

    def _watched(self, done: Callable[[Collection[Manifest]], bool], seconds: float) -> bool:
        """Return whether it was done in time. The first look is a list: a watch of nothing reports nothing."""
        listed = self._kubectl.get(["pods"], self._names.namespace, "--selector", self._names.selector)
        known = {each["metadata"]["name"]: each for each in listed}
        if done(known.values()):
            return True
        deadline = time.monotonic() + seconds
        with PodWatch(self._kubectl, self._names) as watch:
            while time.monotonic() < deadline:
                for event in watch.events(_SLICE):
                    name = event.pod["metadata"]["name"]
                    if event.kind == "DELETED":
                        known.pop(name, None)
                    else:
                        known[name] = event.pod
                    if done(known.values()):
                        return True
                if done(known.values()):
                    return True
        return False

    def _require_images(self, pod: Pod, manifest: Manifest) -> None:
        images = {each["name"]: each["image"] for each in manifest["spec"]["containers"]}
        for container in pod.containers.values():
            if container.waiting in NO_IMAGE:
                raise shared_errors.image_missing(self._service_in(pod, container.name), images[container.name])

    def _service_in(self, pod: Pod, container: str) -> str:
        listed = self._kubectl.get(
            ["statefulsets", "deployments"], self._names.namespace, "--selector", self._names.selector
        )
        workloads = [each for each in listed if each["metadata"]["name"] == pod.group]
        ordinal = pod.name.rpartition("-")[2]
        for each in decode((workloads[0]["metadata"].get("annotations") or {}).get(SERVICES, "")) if workloads else ():
            if each.container == container:
                return each.members[int(ordinal) if len(each.members) > 1 else 0]
        return pod.group


def _has_started(pod: Pod, manifest: Manifest) -> bool:
    """Return whether every container runs or has run: one that crashed is not waited for."""
    if len(pod.containers) < len(manifest["spec"]["containers"]):
        return False
    return all(each.runs or (each.last and not each.is_starting) for each in pod.containers.values())
