"""Pods that exist for one command: they wait in the cluster while the command is run in them, and are always deleted."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.errors import NotFound, PreflightFailed
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import ONE_OFF, InstanceNames
from nexusdev.runtimes.kubernetes.observation import NO_IMAGE, STARTING
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.snapshot_parser import pod_of

CONTAINER = "command"
# The process that keeps the pod: it ends at once when the pod is deleted.
_WAIT = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"
_PATIENCE = 120.0
_TICK = 0.2


class HelperPod(Struct, frozen=True, kw_only=True):
    """What a pod for one command is made from.

    Attributes:
        name: The pod.
        image: The image, which has /bin/sh.
        user: uid and gid.
        labels: Labels beside those of the instance.
        environment: Variables.
        working_dir: Where the command starts; '' for the image's own.
        volumes: The pod's ``volumes``.
        mounts: The container's ``volumeMounts``.
    """

    name: str
    image: str
    user: tuple[int, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    volumes: Sequence[Manifest] = ()
    mounts: Sequence[Manifest] = ()


def manifest(pod: HelperPod, names: InstanceNames) -> Manifest:
    """Return the object of a pod, within the Pod Security standard ``restricted``.

    Args:
        pod: What it is made from.
        names: The instance.
    """
    uid, gid = pod.user
    container = {
        "name": CONTAINER,
        "image": pod.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", _WAIT],
        "env": [{"name": name, "value": value} for name, value in pod.environment.items()],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": list(pod.mounts),
        **({"workingDir": pod.working_dir} if pod.working_dir else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": names.namespace,
            "labels": {**names.labels, ONE_OFF: "true", **pod.labels},
            "annotations": dict(names.annotations),
        },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": uid,
                "runAsGroup": gid,
                "fsGroup": gid,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": list(pod.volumes),
        },
    }


@contextlib.contextmanager
def running(kubectl: Kubectl, names: InstanceNames, pod: HelperPod) -> Iterator[str]:
    """Yield the name of a pod that runs. It is deleted in the end.

    Args:
        kubectl: The cluster.
        names: The instance.
        pod: What it is made from.

    Raises:
        NotFound: The image is not where pods run.
        PreflightFailed: The pod does not start.
    """
    try:
        kubectl.apply([manifest(pod, names)])
        _await_running(kubectl, names, pod)
        yield pod.name
    finally:
        kubectl.delete([f"pod/{pod.name}"], names.namespace, "--grace-period=1", wait=False)


def _await_running(kubectl: Kubectl, names: InstanceNames, pod: HelperPod) -> None:
    deadline = time.monotonic() + _PATIENCE
    reason = "it is not scheduled"
    while time.monotonic() < deadline:
        told = json.loads(kubectl.run("get", "pod", pod.name, "--namespace", names.namespace, "--output", "json"))
        found = pod_of(told, names.project)
        container = found.containers.get(CONTAINER)
        if container and container.runs:
            return
        reason = found.problem or reason
        if container and container.waiting in NO_IMAGE:
            raise NotFound(f"there is no image {pod.image}", why=container.message)
        if found.is_over or (container and container.waiting not in STARTING):
            reason = f"{container.waiting}: {container.message}" if container else found.phase
            break
        time.sleep(_TICK)
    raise PreflightFailed(f"pod {pod.name} does not start", why=reason, hint=f"kubectl describe pod {pod.name}")
