"""Runs one command in a pod of its own, with the caller's streams and signals, and always deletes the pod."""

from __future__ import annotations

import contextlib
import queue
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import BindMount, OneOff
from nexusdev.runtimes.kubernetes import helper_pods
from nexusdev.runtimes.kubernetes.exec import PodExec
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import ONE_OFF, InstanceNames
from nexusdev.runtimes.kubernetes.places import PodTarget
from nexusdev.runtimes.kubernetes.render.manifest import CLIENT, Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.runtimes.terminal import caller_signals

#: Who runs a command whose image says nothing: the Pod Security standard ``restricted`` forbids root.
_NOBODY = (10001, 10001)
_LARGEST = 1024 * 1024  # bytes of a Secret
_OVER = 0
_KILLED = 137
# The command writes its process id, so that signals find it.
_PID_FILE = "/tmp/.nexusdev-pid"  # noqa: S108 - in the pod
_RUN = f'echo $$ 2>/dev/null >{_PID_FILE}; exec "$@"'


def run(
    kubectl: Kubectl,
    names: InstanceNames,
    seen: ClusterSnapshot,
    one_off: OneOff,
    *,
    stdin: IO[bytes] | None,
    stdout: IO[bytes],
    stderr: IO[bytes],
    tty: bool,
) -> int:
    """Run a one-off. See ``interfaces.Runtime.run_one_off``. Files of the host are copied into a Secret that exists as long as the pod."""
    if not seen.workloads:
        raise NotFound(f"instance {names.instance} does not run", why="it has no workloads", hint="nexusdev up")
    if not one_off.argv:
        raise UsageError(
            "a command is needed",
            why="the command of the image cannot be attached to before it starts",
            hint="nexusdev run --in IMAGE -- COMMAND",
        )
    files = {f"files-{number}": mount for number, mount in enumerate(one_off.mounts)}
    with caller_signals() as received, _copied(kubectl, names, one_off, files):
        pod = _pod(one_off, files)
        with helper_pods.running(kubectl, names, pod):
            return _attached(kubectl, names, one_off, received, (stdin, stdout, stderr), tty=tty)


def _attached(
    kubectl: Kubectl,
    names: InstanceNames,
    one_off: OneOff,
    received: queue.SimpleQueue[int],
    streams: tuple[IO[bytes] | None, IO[bytes], IO[bytes]],
    *,
    tty: bool,
) -> int:
    target = PodTarget(ref=f"pod/{one_off.name}", container=helper_pods.CONTAINER)
    command = PodExec(kubectl, names, one_off.name, target, ("/bin/sh", "-c", _RUN, "sh", *one_off.argv))
    threading.Thread(target=_pass_signals, args=(kubectl, names, one_off.name, received), daemon=True).start()
    try:
        return command.attach(*streams, tty=tty)
    except NotFound:
        return _KILLED  # somebody deleted the pod
    finally:
        received.put(_OVER)


def _pod(one_off: OneOff, files: dict[str, BindMount]) -> helper_pods.HelperPod:
    return helper_pods.HelperPod(
        name=one_off.name,
        image=one_off.image,
        user=_user(one_off.user),
        labels={CLIENT: "true"},
        environment=one_off.environment,
        working_dir=one_off.working_dir,
        volumes=[
            {"name": name, "secret": {"secretName": one_off.name, "items": _items(name, each), "defaultMode": 0o440}}
            for name, each in files.items()
        ],
        mounts=[_mount(name, each) for name, each in files.items()],
    )


def _mount(name: str, mount: BindMount) -> Manifest:
    file = {"subPath": mount.source.name} if mount.source.is_file() else {}
    return {"name": name, "mountPath": mount.target, "readOnly": True, **file}


def _items(name: str, mount: BindMount) -> list[Manifest]:
    return [{"key": key, "path": path} for key, path, _ in _listed(name, mount)]


def _listed(name: str, mount: BindMount) -> list[tuple[str, str, Path]]:
    """Return key, path in the mount, and file, for every file of a mount."""
    if mount.source.is_file():
        return [(f"{name}-0", mount.source.name, mount.source)]
    found = sorted(each for each in mount.source.rglob("*") if each.is_file())
    return [(f"{name}-{number}", each.relative_to(mount.source).as_posix(), each) for number, each in enumerate(found)]


def _user(words: str) -> tuple[int, int]:
    if not words:
        return _NOBODY
    uid, _, gid = words.partition(":")
    if not uid.isdigit() or not (gid or uid).isdigit() or int(uid) == 0:
        raise UsageError(
            f"user {words} cannot be used in a pod",
            why="the Pod Security standard `restricted` requires a numeric user that is not root",
            hint="nexusdev run --in IMAGE --user 10001:10001 -- COMMAND",
        )
    return int(uid), int(gid or uid)


@contextlib.contextmanager
def _copied(kubectl: Kubectl, names: InstanceNames, one_off: OneOff, files: dict[str, BindMount]) -> Iterator[None]:
    """Hold the mounted files in a Secret during the block. Raises UsageError for what is too large, or shall be written to."""
    data: dict[str, bytes] = {}
    for name, mount in files.items():
        if not mount.read_only:
            raise UsageError(
                f"{mount.source} cannot be mounted for writing",
                why="a pod gets a copy of the files",
                hint=f"-v {mount.source}:{mount.target}:ro",
            )
        data |= {key: file.read_bytes() for key, _, file in _listed(name, mount)}
    if (size := sum(map(len, data.values()))) > _LARGEST:
        raise UsageError(
            f"the mounted files have {size} bytes", why=f"they are copied into a Secret, which holds {_LARGEST}"
        )
    if not data:
        yield
        return
    metadata = {"name": one_off.name, "namespace": names.namespace, "labels": {**names.labels, ONE_OFF: "true"}}
    encoded = {key: b64encode(value).decode() for key, value in data.items()}
    kubectl.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}])
    try:
        yield
    finally:
        kubectl.delete([f"secret/{one_off.name}"], names.namespace, wait=False)


def _pass_signals(kubectl: Kubectl, names: InstanceNames, pod: str, received: queue.SimpleQueue[int]) -> None:
    while number := received.get():
        script = f"kill -{number} $(cat {_PID_FILE})"
        where = (f"pod/{pod}", "--namespace", names.namespace, "--container", helper_pods.CONTAINER)
        with contextlib.suppress(Exception):  # it may have ended by itself
            kubectl.outcome("exec", *where, "--", "/bin/sh", "-c", script)
