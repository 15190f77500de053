"""Injects failures into the pods of one instance: by signals to the processes of a container, and by what policies select."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

from nexusdev.errors import NexusError
from nexusdev.faults import Fault
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.injection import inject_each
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import CHECKSUM, HELD, KILLED, PARTITIONED, PAUSED, InstanceNames
from nexusdev.runtimes.kubernetes.places import ServicePlace, place_of
from nexusdev.runtimes.kubernetes.render.manifest import NAME
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Pod
from nexusdev.runtimes.main_process import KILL_SCRIPT

# Process 1 ignores the signals of its own container, so that these scripts reach what runs behind an init process.
_SIGNAL = """
for folder in /proc/[0-9]*; do
  pid=${folder#/proc/}
  [ "$pid" = 1 ] || [ "$pid" = $$ ] || kill -%s "$pid" 2>/dev/null
done
exit 0
"""
#: The hash of a policy that was changed by a partition: the next ``up`` applies it again.
_PARTITIONED_HASH = "partitioned"
#: Annotation of such a policy: its hash before.
_FORMER = "nexus.dev/former-checksum"
_KILLED = 137


class KubernetesFaults:
    """``faults.FaultInjector`` by kubectl."""

    def __init__(
        self,
        kubectl: Kubectl,
        names: InstanceNames,
        look: Callable[[], ClusterSnapshot],
        *,
        kill: Callable[[str], None] | None = None,
    ) -> None:
        """Remember how the cluster is reached.

        Args:
            kubectl: The cluster.
            names: The instance.
            look: Returns what exists.
            kill: Kills process 1 of a container, by the container's id; None if nobody has access to the nodes.
        """
        self._kubectl = kubectl
        self._names = names
        self._look = look
        self._kill_container = kill

    def supports(self, fault: Fault) -> bool:
        return fault in self._deeds()

    def inject(self, fault: Fault, *services: str) -> None:
        deed, seen = self._deeds()[fault], self._look()
        turns, changed = {pod.name: threading.Lock() for pod in seen.pods}, set[str]()

        def inject(service: str) -> None:
            place = place_of(service, seen, running=True)
            with turns[place.pod.name]:  # a deed changes annotations of the pod, on which the next one builds
                if place.pod.name in changed:
                    place = place_of(service, self._look(), running=True)
                changed.add(place.pod.name)
                deed(place, service, seen)

        inject_each(services, inject)

    def _deeds(self) -> Mapping[Fault, Callable[[ServicePlace, str, ClusterSnapshot], None]]:
        return {
            Fault.KILL: self._kill,
            Fault.CRASH: self._crash,
            Fault.PAUSE: self._pause,
            Fault.RESUME: self._resume,
            Fault.PARTITION: self._partition,
            Fault.HEAL: self._heal,
        }

    def _kill(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        """Kill the server and hold its pod. The kubelet looks for ended containers once a second, and finds a pod past its deadline."""
        if self._kill_container and place.status:
            self._kill_container(place.status.id)
        else:
            self._crash(place, service, seen)
        self._kubectl.patch(f"pod/{place.pod.name}", self._names.namespace, holding(place.workload.name, killed=True))
        if place.workload.kind == "Deployment":
            self._kubectl.patch(place.workload.ref, self._names.namespace, {"spec": {"replicas": 0}})

    def _crash(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        del seen
        done = self._kubectl.outcome(*self._command(place, KILL_SCRIPT))
        if done.returncode not in (0, _KILLED) and self._kill_container and place.status:
            self._kill_container(place.status.id)  # the server is process 1
        elif done.returncode not in (0, _KILLED):
            words = done.stderr.decode(errors="replace").strip()
            raise NexusError(
                f"{service} could not be killed",
                why=words,
                code="FAULT_REFUSED",
            )

    def _pause(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        del service, seen
        self._signal(place, "STOP")
        self._note_paused(place, place.status.id if place.status else None)

    def _resume(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        del service, seen
        self._signal(place, "CONT")
        self._note_paused(place, None)

    def _signal(self, place: ServicePlace, name: str) -> None:
        self._kubectl.run(*self._command(place, _SIGNAL % name))

    def _command(self, place: ServicePlace, script: str) -> tuple[str, ...]:
        pod, namespace = f"pod/{place.pod.name}", self._names.namespace
        return ("exec", pod, "--namespace", namespace, "--container", place.container, "--", "/bin/sh", "-c", script)

    def _note_paused(self, place: ServicePlace, container: str | None) -> None:
        paused = {name: each for name, each in place.pod.paused.items() if name != place.container}
        if container:
            paused[place.container] = container
        note = {"metadata": {"annotations": {PAUSED: json.dumps(paused)}}}
        self._kubectl.patch(f"pod/{place.pod.name}", self._names.namespace, note)

    def _partition(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        """Take the pod out of every policy that allows something: what is left denies all. A policy can only allow, so none can be added."""
        _require_own_network(place, service)
        namespace = self._names.namespace
        for name in ("allow-dns", place.workload.name):
            former = seen.checksums.get(f"NetworkPolicy/{name}", _PARTITIONED_HASH)
            if former != _PARTITIONED_HASH:
                spare = {"matchExpressions": [{"key": PARTITIONED, "operator": "DoesNotExist"}]}
                change = _policy_change(_PARTITIONED_HASH, former, spare)
                self._kubectl.patch(f"networkpolicy/{name}", namespace, change)
        self._kubectl.patch(f"pod/{place.pod.name}", namespace, {"metadata": {"labels": {PARTITIONED: "true"}}})

    def _heal(self, place: ServicePlace, service: str, seen: ClusterSnapshot) -> None:
        _require_own_network(place, service)
        namespace = self._names.namespace
        if place.pod.partitioned:
            self._kubectl.patch(f"pod/{place.pod.name}", namespace, {"metadata": {"labels": {PARTITIONED: None}}})
        still = {each.group for each in seen.pods if each.partitioned and each.name != place.pod.name}
        mended = [name for name in ("allow-dns",) if not still] + [
            name for name in (place.workload.name,) if name not in still
        ]
        for name in mended:
            if seen.checksums.get(f"NetworkPolicy/{name}") == _PARTITIONED_HASH:
                self._mend_policy(name)

    def _mend_policy(self, name: str) -> None:
        namespace = self._names.namespace
        found = json.loads(
            self._kubectl.run("get", "networkpolicy", name, "--namespace", namespace, "--output", "json")
        )
        former = (found["metadata"].get("annotations") or {}).get(_FORMER, "")
        change = _policy_change(former, None, {"matchExpressions": None})
        self._kubectl.patch(f"networkpolicy/{name}", namespace, change)


def _policy_change(checksum: str, former: str | None, selector: Mapping[str, object]) -> Mapping[str, object]:
    return {
        "metadata": {"labels": {CHECKSUM: checksum}, "annotations": {_FORMER: former}},
        "spec": {"podSelector": selector},
    }


def holding(group: str, *, killed: bool = False) -> Mapping[str, object]:
    """Return the patch that takes a pod from its controller and ends it at once; its log is kept.

    Args:
        group: The group that the pod belongs to.
        killed: Whether its server was killed, and not asked to end.
    """
    notes = {"annotations": {KILLED: "true"}} if killed else {}
    return {"metadata": {"labels": {NAME: None, HELD: group}, **notes}, "spec": {"activeDeadlineSeconds": 1}}


def resume_all(kubectl: Kubectl, names: InstanceNames, pod: Pod) -> None:
    """Resume every paused container of a pod.

    Args:
        kubectl: The cluster.
        names: The instance.
        pod: The pod.
    """
    for container in pod.paused:
        command = ("--container", container, "--", "/bin/sh", "-c", _SIGNAL % "CONT")
        kubectl.run("exec", f"pod/{pod.name}", "--namespace", names.namespace, *command)
    kubectl.patch(f"pod/{pod.name}", names.namespace, {"metadata": {"annotations": {PAUSED: None}}})


def _require_own_network(place: ServicePlace, service: str) -> None:
    if service != place.main:
        raise shared_errors.shares_network(service, place.main)
