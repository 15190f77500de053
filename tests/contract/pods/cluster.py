"""A cluster in memory: workloads with their pods, claims, secrets and node ports."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from nexusdev.interfaces import Completed, LogLine, ServiceExit
from nexusdev.stack.model import Service

_AHEAD = 3600.0  # the cluster's clock, before this machine's
KILLED = 137


@dataclass(kw_only=True)
class Container:
    """A container of a pod. It is restarted after a crash, with a growing delay: here until somebody restarts its pod."""

    service: Service
    fingerprint: str
    started: float = 0.0
    crashed: int = 0
    ended: float = 0.0
    restarts: int = 0
    log: list[LogLine] = field(default_factory=list)


@dataclass(kw_only=True)
class Pod:
    """One run of a workload; its name is a new one each time."""

    name: str
    containers: dict[str, Container]


@dataclass(kw_only=True)
class Workload:
    """What a controller keeps running: a server and its sidecars, by the server's name. Without a pod it is scaled to 0.

    Attributes:
        template: Service → its definition and the hash of it.
        halted: The last pod of a workload that shall not be restarted.
        isolated: A policy keeps all traffic away.
    """

    name: str
    owner: str
    state_path: str
    template: dict[str, tuple[Service, str]]
    pod: Pod | None = None
    halted: Pod | None = None
    isolated: bool = False

    @property
    def services(self) -> frozenset[str]:
        return frozenset(self.template)


@dataclass(kw_only=True)
class Claim:
    """A claimed volume."""

    owner: str
    state_path: str = ""
    archive: bytes = b""
    foreign: bool = False
    foreign_users: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Namespace:
    """Everything of one instance. ``free``: bytes that can still be written to its volumes."""

    workloads: dict[str, Workload] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    listeners: list[queue.Queue[ServiceExit]] = field(default_factory=list)
    free: int = 10**9

    def workload_of(self, service: str) -> Workload | None:
        """The workload whose pod has the container of this service."""
        return next((each for each in self.workloads.values() if service in each.template), None)

    def running(self, service: str) -> Container | None:
        """The container of a service, if it runs."""
        workload = self.workload_of(service)
        found = workload.pod.containers.get(service) if workload and workload.pod else None
        return found if found and not found.crashed else None

    def exited(self, service: str, code: int, at: float, *, asked: bool) -> None:
        for each in self.listeners:
            each.put(ServiceExit(service=service, exit_code=code, at=at, asked=asked))


@dataclass(kw_only=True)
class Cluster:
    """The cluster.

    Attributes:
        namespaces: By the name of their instance.
        node_ports: Ports that something foreign has → its name.
        missing: Images that no node has.
        answers: Service or image → what its commands tell after their input.
    """

    namespaces: dict[str, Namespace] = field(default_factory=dict)
    node_ports: dict[int, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    answers: dict[str, Completed] = field(default_factory=dict)
    _seconds: Iterator[int] = field(default_factory=lambda: itertools.count(1_700_000_000))
    _random: Random = field(default_factory=lambda: Random(1))

    def namespace(self, instance: str) -> Namespace:
        return self.namespaces.setdefault(instance, Namespace())

    def now(self) -> float:
        """Whole seconds; each look at the clock takes one."""
        return next(self._seconds) + _AHEAD

    def begin(self, workload: Workload) -> None:
        """Run a new pod of the workload."""
        suffix = "".join(self._random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
        at = self.now()
        containers = {
            name: Container(service=service, fingerprint=fingerprint, started=at)
            for name, (service, fingerprint) in workload.template.items()
        }
        workload.pod, workload.halted = Pod(name=f"{workload.name}-{suffix}", containers=containers), None
        for name in containers:
            self.say(workload, name, "ready")

    def end(self, namespace: Namespace, workload: Workload) -> None:
        """Delete the pod of the workload: all of its containers are asked to end."""
        pod, workload.pod = workload.pod, None
        for name, container in pod.containers.items() if pod else ():
            if not container.crashed:
                namespace.exited(name, 0, self.now(), asked=True)

    def crash(self, namespace: Namespace, service: str, code: int = KILLED) -> None:
        """A container ends by itself and waits for its restart."""
        container = namespace.running(service)
        if container is None:
            raise KeyError(service)
        container.crashed, container.ended, container.restarts = code, self.now(), container.restarts + 1
        namespace.exited(service, code, container.ended, asked=False)

    def say(self, workload: Workload, service: str, text: str) -> None:
        """A line of a container's output."""
        if workload.pod:
            line = LogLine(service=service, at=self.now(), text=text)
            workload.pod.containers[service].log.append(line)
