"""The runtime over a cluster in memory."""

from __future__ import annotations

import contextlib
import io
import queue
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import IO

from nexusdev.errors import IdentityMismatch, InvalidConfig, NexusError, NotFound, UsageError
from nexusdev.faults import Fault, FaultInjector
from nexusdev.interfaces import (
    Address,
    Advice,
    Completed,
    LogLine,
    OneOff,
    ReadBack,
    ServiceExit,
    View,
    VolumeArchive,
)
from nexusdev.plan import Intent, Observation, Plan, Step
from nexusdev.runtimes import shared_errors
from nexusdev.stack.model import Stack
from tests.contract.pods.cluster import Claim, Cluster, Container, Namespace, Workload
from tests.contract.pods.planner import PodsObservation, PodsStep, observe, plan_for

_NODE = "192.0.2.10"
_TICK = 0.01


@dataclass(frozen=True, kw_only=True)
class PodsRuntime:
    """interfaces.Runtime over a cluster in memory."""

    cluster: Cluster
    instance: str
    owner: str
    state_path: str
    stack: Stack | None

    @property
    def _namespace(self) -> Namespace:
        return self.cluster.namespace(self.instance)

    @property
    def advice(self) -> Advice:
        return Advice(
            kept_data="kubectl delete namespace deletes its claims",
            kept_stopped="kubectl delete namespace deletes it",
            ended_by="kubectl delete pod, or a node that drains",
            lost_data="kubectl delete pvc deletes data",
            elsewhere="kubectl config get-contexts   check that this is the cluster that has the claims",
            no_room="kubectl describe nodes   show disk pressure",
            more_files="the limits of the nodes' container runtime",
        )

    @property
    def network(self) -> str:
        return ""

    def volume_name(self, volume: str) -> str:
        return f"claim/{volume}"

    @property
    def faults(self) -> FaultInjector:
        return PodsFaults(cluster=self.cluster, namespace=self._namespace)

    @property
    def volumes(self) -> VolumeArchive:
        return PodsVolumes(namespace=self._namespace, owner=self.owner)

    def observe(self) -> PodsObservation:
        return observe(self._namespace)

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        return plan_for(intent, observation or self.observe(), owner=self.owner)

    def apply(self, step: Step) -> None:
        if not isinstance(step, PodsStep):
            raise NexusError(f"step {step} belongs to another runtime")
        namespace, name = self._namespace, step.resource
        match step.action:
            case "create claim":
                namespace.claims.setdefault(name, Claim(owner=self.owner, state_path=self.state_path))
            case "delete claim":
                namespace.claims.pop(name, None)
            case "apply":
                self._apply(step)
            case _:
                if workload := namespace.workloads.get(name):
                    self._change(step.action, workload)

    def _apply(self, step: PodsStep) -> None:
        """Create or change a workload. What is as it shall be stays."""
        workload = self._namespace.workloads.get(step.resource)
        if workload and workload.pod and workload.template == step.template:
            return
        for service, _ in step.template.values():
            if service.image in self.cluster.missing:
                raise shared_errors.image_missing(service.name, service.image)
            for port in service.ports:
                if holder := self.cluster.node_ports.get(port.host):
                    raise shared_errors.port_in_use(service.name, port.host, holder)
        if workload:
            self.cluster.end(self._namespace, workload)
        made = Workload(name=step.resource, owner=self.owner, state_path=self.state_path, template=dict(step.template))
        self._namespace.workloads[step.resource] = made
        for mount in (mount for service, _ in step.template.values() for mount in service.files):
            self._namespace.secrets[mount.name] = mount.source.read_bytes()
        self.cluster.begin(made)

    def _change(self, action: str, workload: Workload) -> None:
        match action:
            case "delete":
                self.cluster.end(self._namespace, workload)
                del self._namespace.workloads[workload.name]
            case "scale to 0":
                self.cluster.end(self._namespace, workload)
            case "scale to 1":
                if workload.pod is None:
                    self.cluster.begin(workload)
            case "restart":
                self.cluster.end(self._namespace, workload)
                self.cluster.begin(workload)
            case "halt":
                workload.halted = workload.pod or workload.halted
                self.cluster.end(self._namespace, workload)
            case "delete policy":
                workload.isolated = False

    def now(self) -> float:
        return self.cluster.now()

    def watch_exits(self, stop: Event) -> Iterator[ServiceExit]:
        heard: queue.Queue[ServiceExit] = queue.Queue()
        self._namespace.listeners.append(heard)

        def told() -> Iterator[ServiceExit]:
            while not stop.is_set():
                try:
                    yield heard.get(timeout=_TICK)
                except queue.Empty:
                    continue

        return told()

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        """A port of the node on the host; within the cluster the full name of a Service object."""
        found: dict[tuple[str, int], Address] = {}
        services = self.stack.services if self.stack else {}
        for service in services.values():
            for port in services[service.shares or service.name].ports:
                for name in (service.name, *service.aliases):
                    inside = Address(host=f"{name}.{self.instance}.svc.cluster.local", port=port.container)
                    found[name, port.container] = Address(host=_NODE, port=port.host) if view is View.HOST else inside
        return found

    def ca_path(self, view: View) -> str:
        return f"{self.state_path}/tls/ca.crt" if view is View.HOST else "/etc/nexus/ca.crt"

    def client_folder(self, view: View) -> str:
        return f"{self.state_path}/client/host" if view is View.HOST else "/etc/nexus"

    def publish_secret(self, name: str, value: str) -> None:
        """Patch the object. Pods see it when the kubelet has synced, which is at once here."""
        if self.stack is None or name not in self.stack.secrets:
            raise InvalidConfig(f"no such secret: {name}")
        self._namespace.secrets[name] = value.encode()

    def publish_file(self, name: str, data: bytes) -> None:
        self._namespace.secrets[name] = data

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """With ``follow`` it ends when nothing is left."""
        del follow
        found: list[LogLine] = []
        for name in services or self.observe().services:
            lines = [line for line in self._log(name) if since is None or line.at >= since]
            found += lines if tail is None else lines[max(0, len(lines) - tail) :]
        return iter(sorted(found, key=lambda line: line.at))

    def _log(self, service: str) -> list[LogLine]:
        workload = self._namespace.workload_of(service)
        if workload is None:
            raise NotFound(f"there is no service {service}", hint="nexusdev status")
        pod = workload.pod or workload.halted
        return pod.containers[service].log if pod else []

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        del argv, environment, timeout
        if self._namespace.running(service) is None:
            raise shared_errors.no_container(service)
        return self._answer(service, stdin)

    def _answer(self, key: str, stdin: bytes | None) -> Completed:
        told = self.cluster.answers.get(key, Completed(exit_code=0))
        return Completed(exit_code=told.exit_code, stdout=(stdin or b"") + told.stdout, stderr=told.stderr)

    def attach(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        del tty
        return _tell(self.execute(service, argv, stdin=stdin.read() if stdin else None), stdout, stderr)

    def read_back(self, image: str) -> ReadBack | None:
        """A pod gets its secrets from the cluster, with the owner that it asks for: there is nothing to try."""
        del image
        return None

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        del tty
        if not self._namespace.workloads:
            raise NotFound(f"instance {self.instance} does not run", hint="nexusdev up")
        if one_off.image in self.cluster.missing:
            raise NotFound(f"there is no image {one_off.image}")
        return _tell(self._answer(one_off.image, stdin.read() if stdin else None), stdout, stderr)


def _tell(completed: Completed, stdout: IO[bytes], stderr: IO[bytes]) -> int:
    stdout.write(completed.stdout)
    stderr.write(completed.stderr)
    return completed.exit_code


@dataclass(frozen=True, kw_only=True)
class PodsFaults:
    """faults.FaultInjector: a container can crash, and a policy can isolate a pod. Nothing can be paused or stay killed."""

    cluster: Cluster
    namespace: Namespace

    def supports(self, fault: Fault) -> bool:
        return fault in (Fault.CRASH, Fault.PARTITION, Fault.HEAL)

    def inject(self, fault: Fault, *services: str) -> None:
        for each in services:
            self._inject(fault, each)

    def _inject(self, fault: Fault, service: str) -> None:
        if not self.supports(fault):
            raise UsageError(f"this runtime cannot {fault.value} a service")
        workload = self._running(service)
        if fault is Fault.CRASH:
            self.cluster.crash(self.namespace, service)
            return
        if workload.name != service:
            raise shared_errors.shares_network(service, workload.name)
        workload.isolated = fault is Fault.PARTITION

    def _running(self, service: str) -> Workload:
        found: Container | None = self.namespace.running(service)
        workload = self.namespace.workload_of(service)
        if found is None or workload is None:
            raise shared_errors.no_container(service)
        return workload


@dataclass(frozen=True, kw_only=True)
class PodsVolumeCopy:
    """interfaces.VolumeCopy: archives by volume."""

    archives: Mapping[str, bytes]

    @property
    def size(self) -> int:
        return sum(len(each) for each in self.archives.values())

    def export(self, volume: str, stream: IO[bytes]) -> None:
        if volume not in self.archives:
            raise shared_errors.no_volume(volume)
        stream.write(self.archives[volume] or _empty())


@dataclass(frozen=True, kw_only=True)
class PodsVolumes:
    """interfaces.VolumeArchive over the claims of a namespace."""

    namespace: Namespace
    owner: str

    def create(self, volume: str) -> None:
        self.namespace.claims.setdefault(volume, Claim(owner=self.owner))
        self._own(volume)

    def free(self, volume: str) -> int:
        self._own(volume)
        return self.namespace.free

    @contextlib.contextmanager
    def copy(
        self, volumes: Sequence[str], *, hold: Callable[[], AbstractContextManager[object]]
    ) -> Iterator[PodsVolumeCopy]:
        own = {volume: self._own(volume) for volume in volumes}
        needed = sum(len(each.archive) for each in own.values())
        if needed > self.namespace.free:
            raise shared_errors.no_room_for_copy(needed, self.namespace.free)
        with hold():
            archives = {volume: each.archive for volume, each in own.items()}
        yield PodsVolumeCopy(archives=archives)

    def export(self, volume: str, stream: IO[bytes]) -> None:
        stream.write(self._own(volume).archive or _empty())

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        claim = self._own(volume)
        users = [each.name for each in self.namespace.workloads.values() if each.pod and volume in _mounted(each)]
        if users := [*users, *claim.foreign_users]:
            raise shared_errors.volume_has_users(volume, users)
        claim.archive = stream.read()

    def _own(self, volume: str) -> Claim:
        claim = self.namespace.claims.get(volume)
        if claim is None:
            raise shared_errors.no_volume(volume)
        if claim.foreign:
            raise IdentityMismatch(f"claim {volume} does not belong to this instance", code="FOREIGN_VOLUME")
        return claim


def _mounted(workload: Workload) -> set[str]:
    return {mount.volume for service, _ in workload.template.values() for mount in service.volumes}


def _empty() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w"):
        pass
    return packed.getvalue()
