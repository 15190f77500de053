"""Exits of services, from a watch of the pods."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping

from nexusdev.interfaces import ServiceExit
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.render.pod_groups import pod_groups
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Ended, Pod, PodContainer
from nexusdev.runtimes.kubernetes.snapshot_parser import pod_of
from nexusdev.runtimes.kubernetes.watch import PodEvent, PodWatch

_TICK = 0.1
_KILLED = 137


class PodExits:
    """The exits of containers from construction on, until ``stop.is_set()``.

    An exit while a service that the server depends on does not run is part of a normal start: the container is restarted until the other
    one is there. It is not reported.
    """

    def __init__(self, kubectl: Kubectl, names: InstanceNames, seen: ClusterSnapshot, stop: threading.Event) -> None:
        self._kubectl = kubectl
        self._names = names
        self._stop = stop
        self._services = _service_names(seen)
        self._pods: dict[str, Pod] = {}
        self._told: set[str] = set()
        self._asked: set[str] = set()
        for pod in seen.pods:
            if pod.ours:
                self._remember(pod)
        self._heard: queue.Queue[ServiceExit | BaseException] = queue.Queue()
        threading.Thread(target=self._listen, name="pod-watch", daemon=True).start()

    def _remember(self, pod: Pod) -> None:
        """Know how the pod is now: what has ended already is not reported."""
        self._pods[pod.name] = pod
        for container in pod.containers.values():
            self._told |= {each.id for each in (container.ended, container.previous) if each}

    def _listen(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._watch()
                except EOFError:
                    continue
        except BaseException as error:
            error.add_note("in the thread that watches the pods")
            self._heard.put(error)

    def _watch(self) -> None:
        with PodWatch(self._kubectl, self._names) as watch:
            while not self._stop.is_set():
                for event in watch.events(_TICK):
                    for exited in self.heard(event):
                        self._heard.put(exited)

    def heard(self, event: PodEvent) -> Iterator[ServiceExit]:
        """Yield the exits that a change of a pod tells."""
        pod = pod_of(event.pod, self._names.project)
        if pod.one_off or not pod.group:
            return
        grace = event.pod["metadata"].get("deletionGracePeriodSeconds", 0)
        if (pod.held and not pod.killed) or (pod.terminating and grace > 0):
            self._asked.add(pod.uid)
        before = self._pods.get(pod.name)
        self._pods[pod.name] = pod
        for container in pod.containers.values():
            for ended in (container.previous, container.ended):
                if ended and ended.id not in self._told:
                    yield from self._exit(pod, container, ended)
        if event.kind == "DELETED":
            yield from self._gone(pod, before)
            self._pods.pop(pod.name, None)

    def _gone(self, pod: Pod, before: Pod | None) -> Iterator[ServiceExit]:
        """Yield the ends that nobody told: the pod is gone, and its last report said that they run."""
        known: Mapping[str, PodContainer] = {**(before.containers if before else {}), **pod.containers}
        for container in known.values():
            if container.runs and container.id not in self._told:
                code = 0 if pod.uid in self._asked else _KILLED
                yield from self._exit(pod, container, Ended(code=code, at=time.time(), id=container.id))

    def _exit(self, pod: Pod, container: PodContainer, ended: Ended) -> Iterator[ServiceExit]:
        self._told.add(ended.id)
        service = self._service(pod, container.name)
        asked = pod.uid in self._asked
        if service and (asked or not (container.is_starting or self._waits(service))):
            yield ServiceExit(service=service, exit_code=ended.code, at=ended.at, asked=asked)

    def _waits(self, service: str) -> bool:
        """Return whether a service that this one depends on does not run."""
        stack = self._names.stack
        needed = stack.services[service].depends_on if stack and service in stack.services else ()
        return any(self._is_missing(name) for name in needed)

    def _is_missing(self, service: str) -> bool:
        for pod in self._pods.values():
            for container in pod.containers.values():
                if self._service(pod, container.name) == service and container.runs:
                    return False
        return True

    def _service(self, pod: Pod, container: str) -> str:
        """Return the service of a container. A workload that is new is known from the stack; '' for no service."""
        members = self._services.get((pod.group, container)) or _from_stack(self._names, pod.group, container)
        number = pod.name.rpartition("-")[2]
        if len(members) > 1 and number.isdigit() and int(number) < len(members):
            return members[int(number)]
        return members[0] if members else ""

    def __iter__(self) -> Iterator[ServiceExit]:
        while not self._stop.is_set():
            try:
                heard = self._heard.get(timeout=_TICK)
            except queue.Empty:
                continue
            if isinstance(heard, BaseException):
                raise heard
            yield heard


def _service_names(seen: ClusterSnapshot) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (group, container) → its services by ordinal."""
    return {
        (workload.name, each.container): each.members
        for workload in seen.workloads.values()
        for each in workload.containers
    }


def _from_stack(names: InstanceNames, group: str, container: str) -> tuple[str, ...]:
    for each in pod_groups(names.stack) if names.stack else ():
        if each.name == group:
            for services in each.containers:
                if services[0].group == container:
                    return tuple(service.name for service in services)
    return ()
