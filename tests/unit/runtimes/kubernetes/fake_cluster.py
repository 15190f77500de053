"""A cluster in memory with the interface of ``Kubectl``: objects, and controllers that act at once."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from subprocess import CompletedProcess
from typing import Any

from nexusdev.errors import NotFound
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.render.manifest import NAME, Manifest

_COLUMNS = ("nexus.dev/checksum", NAME, "app.kubernetes.io/managed-by", "app.kubernetes.io/instance")
_KINDS = {
    "statefulset": "StatefulSet",
    "deployment": "Deployment",
    "pod": "Pod",
    "service": "Service",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "networkpolicy": "NetworkPolicy",
    "networkpolicie": "NetworkPolicy",
    "serviceaccount": "ServiceAccount",
    "poddisruptionbudget": "PodDisruptionBudget",
    "configmap": "ConfigMap",
    "secret": "Secret",
    "namespace": "Namespace",
}


class FakeCluster(Kubectl):
    """What kubectl would do. ``objects``: (kind, name) → object; ``deeds``: every change, as words."""

    def __init__(self) -> None:
        super().__init__(context="fake")
        self.objects: dict[tuple[str, str], Manifest] = {}
        self.deeds: list[str] = []
        self._numbers = itertools.count(1)

    def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> bytes:  # noqa: PLR0911 - one per command
        del timeout
        match arguments:
            case ("config", "view", *_):
                return b'{"clusters": [{"cluster": {"server": "https://fake"}}], "users": []}'
            case ("get", "configmaps,secrets", *_):
                return self._table().encode()
            case ("get", kinds, "--namespace", *_):
                wanted = [_kind(each) for each in kinds.split(",")]
                found = [each for (kind, _), each in self.objects.items() if kind in wanted]
                return json.dumps({"items": found}).encode()
            case ("get", kind, name, *_):
                return json.dumps(self._object(_kind(kind), name)).encode()
            case ("apply", *_):
                for each in json.loads(stdin or b"{}")["items"]:
                    self._apply(each)
                return b""
            case ("delete", *words):
                for word in words[: words.index("--namespace")]:
                    self._delete(word, orphan="--cascade=orphan" in words)
                return b""
            case ("patch", name, *_, change) if not change.startswith("--"):
                self._patch(name, json.loads(arguments[arguments.index("--patch") + 1]))
                return b""
        raise AssertionError(arguments)

    def outcome(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> CompletedProcess[bytes]:
        del stdin, timeout
        return CompletedProcess(arguments, 0, b"", b"")

    def names(self, kind: str) -> list[str]:
        return [name for each, name in self.objects if each == kind]

    def pod(self, name: str) -> Manifest:
        return self.objects["Pod", name]

    def crash(self, pod: str, container: str, code: int = 137) -> None:
        """A container ended by itself, and waits for its restart."""
        [status] = [each for each in self.pod(pod)["status"]["containerStatuses"] if each["name"] == container]
        ended = {
            "exitCode": code,
            "finishedAt": "2026-01-01T00:01:00Z",
            "startedAt": "2026-01-01T00:00:00Z",
            "containerID": "x",
        }
        status["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        status["lastState"] = {"terminated": ended}

    def _table(self) -> str:
        lines = [
            " ".join([f"{kind.lower()}/{name} 1 1s", *(_labels(each).get(label, "") for label in _COLUMNS)])
            for (kind, name), each in self.objects.items()
            if kind in ("ConfigMap", "Secret")
        ]
        return "\n".join(lines)

    def _object(self, kind: str, name: str) -> Manifest:
        if (kind, name) not in self.objects:
            raise NotFound(f"{kind} {name}")
        return self.objects[kind, name]

    def _apply(self, manifest: Manifest) -> None:
        key = (manifest["kind"], manifest["metadata"]["name"])
        self.deeds.append(f"apply {key[0]} {key[1]}")
        self.objects[key] = copy.deepcopy(manifest)
        self._reconcile()

    def _patch(self, ref: str, change: Mapping[str, Any]) -> None:
        kind, name = _parts(ref)
        self.deeds.append(f"patch {kind} {name}")
        _merge(self._object(kind, name), change)
        self._reconcile()

    def _delete(self, ref: str, *, orphan: bool = False) -> None:
        kind, name = _parts(ref)
        if self.objects.pop((kind, name), None) is None:
            return
        self.deeds.append(f"delete {kind} {name}")
        if kind in ("StatefulSet", "Deployment") and not orphan:
            for pod in self._pods(name):
                del self.objects["Pod", pod]
        self._reconcile()

    def _pods(self, group: str) -> list[str]:
        return [
            name
            for (kind, name), each in self.objects.items()
            if kind == "Pod" and each["metadata"]["labels"].get(NAME) == group
        ]

    def _reconcile(self) -> None:
        """Let the controllers and the kubelet act."""
        for (kind, name), each in list(self.objects.items()):
            if kind in ("StatefulSet", "Deployment"):
                self._scale(kind, name, each)
        for (kind, _), each in self.objects.items():
            if kind == "Pod" and each["spec"].get("activeDeadlineSeconds") and each["status"]["phase"] == "Running":
                each["status"] = {
                    "phase": "Failed",
                    "containerStatuses": [_ended(one) for one in each["status"]["containerStatuses"]],
                }

    def _scale(self, kind: str, name: str, workload: Manifest) -> None:
        pods, replicas = self._pods(name), workload["spec"]["replicas"]
        if kind == "Deployment":
            for pod in pods[replicas:]:
                del self.objects["Pod", pod]
            for _ in range(replicas - len(pods)):
                self._begin(f"{name}-{next(self._numbers):05x}", workload)
            return
        for pod in pods:
            if int(pod.rpartition("-")[2]) >= replicas:
                del self.objects["Pod", pod]
        for number in range(replicas):
            if ("Pod", f"{name}-{number}") not in self.objects:
                self._begin(f"{name}-{number}", workload)

    def _begin(self, name: str, workload: Manifest) -> None:
        pod = copy.deepcopy(workload["spec"]["template"])
        number = next(self._numbers)
        stamp = f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}Z"
        pod |= {"kind": "Pod", "apiVersion": "v1"}
        pod["metadata"] |= {"name": name, "namespace": "ns", "uid": f"uid-{number}", "creationTimestamp": stamp}
        statuses = [
            {"name": each["name"], "containerID": f"id-{number}", "state": {"running": {"startedAt": stamp}}}
            for each in pod["spec"]["containers"]
        ]
        pod["status"] = {"phase": "Running", "containerStatuses": statuses}
        self.objects["Pod", name] = pod


def _ended(status: Mapping[str, Any]) -> dict[str, Any]:
    ended = {"exitCode": 0, "finishedAt": "2026-01-01T00:30:00Z", "containerID": status["containerID"]}
    return {"name": status["name"], "containerID": status["containerID"], "state": {"terminated": ended}}


def _labels(manifest: Manifest) -> Mapping[str, str]:
    found: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return found


def _kind(words: str) -> str:
    return (
        _KINDS[words.lower().removesuffix("s")] if words.lower().removesuffix("s") in _KINDS else _KINDS[words.lower()]
    )


def _parts(ref: str) -> tuple[str, str]:
    kind, _, name = ref.partition("/")
    return _kind(kind), name


def _merge(target: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def changed(deeds: Iterable[str]) -> Sequence[str]:
    """The changes without those of annotations alone."""
    return [each for each in deeds if not each.startswith("patch")]
