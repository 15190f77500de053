"""Applies plan steps by kubectl; every step is idempotent."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from nexusdev.errors import IdentityMismatch, NotFound, PortInUse, RuntimeRefused
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.kubernetes import apply_errors
from nexusdev.runtimes.kubernetes import names as words
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.desired import Unit, pinned, secret_values, secret_with_values
from nexusdev.runtimes.kubernetes.faults import holding, resume_all
from nexusdev.runtimes.kubernetes.inventory import holder_of
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.plan.steps import KubernetesAction, KubernetesStep
from nexusdev.runtimes.kubernetes.pods import PodWaiter, pods_of
from nexusdev.runtimes.kubernetes.render.dev_gateway import NAME as GATEWAY
from nexusdev.runtimes.kubernetes.render.dev_gateway import node_port
from nexusdev.runtimes.kubernetes.render.manifest import INSTANCE, Manifest

_NAMESPACE_PATIENCE = 120.0  # seconds for a namespace that is being deleted
_TICK = 0.5


class KubernetesStepApplier:
    """Executes steps in one namespace."""

    def __init__(self, kubectl: Kubectl, names: InstanceNames, access: ClusterAccess) -> None:
        self._kubectl = kubectl
        self._names = names
        self._access = access
        self._waiter = PodWaiter(kubectl, names)

    def apply_step(self, step: KubernetesStep) -> None:
        """Execute one step. Raises PortInUse, IdentityMismatch, ImageUnavailable, TeardownIncomplete, PreflightFailed."""
        match step.action:
            case KubernetesAction.CREATE_NAMESPACE:
                self._create_namespace(step.objects[0])
            case KubernetesAction.APPLY_POLICIES:
                self._apply(step.objects)
            case KubernetesAction.CREATE_VOLUME:
                self._create_volume(step.resource, step.objects[0])
            case KubernetesAction.APPLY if step.unit:
                self._apply_unit(step.unit, step)
            case KubernetesAction.START | KubernetesAction.RESTART:
                self._start(step)
            case KubernetesAction.RESUME:
                self._resume(step.pods)
            case KubernetesAction.STOP:
                self._stop(step)
            case KubernetesAction.DELETE:
                self._delete(step)
            case KubernetesAction.DELETE_VOLUME:
                self._kubectl.delete(step.deletes, self._names.namespace)
            case KubernetesAction.DELETE_NAMESPACE:
                # it is empty but for what the cluster itself puts into every namespace: nobody waits for its end
                self._kubectl.delete([f"namespace/{self._names.namespace}"], self._names.namespace, wait=False)

    def _apply(self, objects: Sequence[Manifest]) -> None:
        try:
            self._kubectl.apply(objects)
        except RuntimeRefused as error:
            if taken := apply_errors.taken_node_port(error):
                raise self._port_in_use(taken) from error
            raise apply_errors.translated(error, objects) from error

    def _port_in_use(self, number: int) -> PortInUse:
        """Return the error for a node port that another Service has, with the host port and the service that it is for."""
        services = self._names.stack.services.values() if self._names.stack else ()
        found = [(each.name, port.host) for each in services for port in each.ports if node_port(port.host) == number]
        service, port = found[0] if found else (GATEWAY, number)
        return shared_errors.port_in_use(service, port, holder_of(self._kubectl, number))

    def _create_namespace(self, namespace: Manifest) -> None:
        deadline = time.monotonic() + _NAMESPACE_PATIENCE
        while found := self._namespace():
            if "deletionTimestamp" not in found["metadata"]:
                self._require_own_namespace(found, namespace)
                return
            if time.monotonic() > deadline:
                raise apply_errors.namespace_terminating(self._names.namespace)
            time.sleep(_TICK)
        self._apply([namespace])

    def _namespace(self) -> Manifest | None:
        try:
            told = self._kubectl.run("get", "namespace", self._names.namespace, "--output", "json")
        except NotFound:
            return None
        found: Manifest = json.loads(told)
        return found

    def _require_own_namespace(self, found: Manifest, wanted: Manifest) -> None:
        project = (found["metadata"].get("labels") or {}).get(INSTANCE, "")
        if project == wanted["metadata"]["labels"][INSTANCE] or (self._access.adopts and not project):
            return
        raise IdentityMismatch(
            f"namespace {self._names.namespace} does not belong to this instance", code="FOREIGN_NAMESPACE"
        )

    def _create_volume(self, volume: str, claim: Manifest) -> None:
        """Create a claim. One that exists keeps its size and its class; a foreign one is left alone."""
        name = claim["metadata"]["name"]
        try:
            told = self._kubectl.run(
                "get", "persistentvolumeclaim", name, "--namespace", self._names.namespace, "--output", "json"
            )
        except NotFound:
            self._apply([claim])
            return
        labels = json.loads(told)["metadata"].get("labels") or {}
        if labels.get(INSTANCE) != self._names.project:
            raise apply_errors.foreign_volume(volume, f"{self._names.namespace}/{name}")
        # its StatefulSet made it before: it only lacks its owner
        metadata = {key: claim["metadata"][key] for key in ("labels", "annotations")}
        self._kubectl.patch(f"persistentvolumeclaim/{name}", self._names.namespace, {"metadata": metadata})

    def _apply_unit(self, unit: Unit, step: KubernetesStep) -> None:
        objects = [pinned(each, self._access) for each in unit.objects]
        if unit.secret:
            objects.insert(0, secret_with_values(unit, secret_values(unit), self._names))
        try:
            self._apply(objects)
        except apply_errors.Immutable:
            # what of a workload cannot be changed is made again; its pods stay until they are replaced
            self._kubectl.delete([f"{unit.kind.lower()}/{unit.name}"], self._names.namespace, "--cascade=orphan")
            self._apply(objects)
        if step.starts or not unit.services:
            self._replace_outdated(unit)
            self._waiter.until_running(unit.name, unit.replicas, template=unit.template)

    def _replace_outdated(self, unit: Unit) -> None:
        """Delete held pods, and those that were made from something else: their controller would replace them one by one, and wait for each."""
        outdated = [
            each.name
            for each in pods_of(self._kubectl, self._names, unit.name)
            if each.held or each.template != unit.template
        ]
        self._kubectl.delete([f"pod/{name}" for name in outdated], self._names.namespace)
        if outdated:
            self._touch(f"{unit.kind.lower()}/{unit.name}")

    def _start(self, step: KubernetesStep) -> None:
        self._kubectl.delete([f"pod/{name}" for name in step.pods], self._names.namespace)
        self._scale(step.workload, step.replicas)
        self._waiter.until_running(step.resource, step.replicas)

    def _scale(self, workload: str, replicas: int) -> None:
        """Set the number of pods. The annotation makes the controller look at once, whatever it waits for."""
        change = {"metadata": self._touched(), "spec": {"replicas": replicas}}
        self._kubectl.patch(workload, self._names.namespace, change)

    def _touch(self, ref: str) -> None:
        self._kubectl.patch(ref, self._names.namespace, {"metadata": self._touched()})

    def _touched(self) -> Manifest:
        return {"annotations": {words.TOUCHED: str(time.time_ns())}}

    def _resume(self, pods: Sequence[str]) -> None:
        for pod in pods_of(self._kubectl, self._names):
            if pod.name in pods:
                resume_all(self._kubectl, self._names, pod)

    def _stop(self, step: KubernetesStep) -> None:
        for name in step.pods:
            self._hold(name, step.resource)
        self._scale(step.workload, step.replicas)
        self._waiter.until_ended(step.resource, step.pods, replicas=step.replicas)

    def _hold(self, name: str, group: str) -> None:
        """Take a pod from its controller and end it. What runs in it is asked to end, and its log is kept."""
        try:
            self._kubectl.patch(f"pod/{name}", self._names.namespace, holding(group))
        except NotFound:
            return  # it is gone

    def _delete(self, step: KubernetesStep) -> None:
        workloads = [each for each in step.deletes if each.startswith(("statefulset/", "deployment/"))]
        others = [each for each in step.deletes if each not in workloads]
        namespace = self._names.namespace
        self._kubectl.delete(workloads, namespace, "--cascade=foreground")
        self._kubectl.delete([*others, *(f"pod/{name}" for name in step.pods)], namespace)
