"""Exports and imports claims as tar streams through a pod that mounts them, with the rights of the service that uses them."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO

from msgspec.structs import replace

from nexusdev.errors import NexusError, NotFound
from nexusdev.runtimes import shared_errors, volume_scripts
from nexusdev.runtimes.kubernetes import apply_errors, helper_pods
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.render.refusals import user_of
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.runtimes.kubernetes.volume_claims import claim_of_volume
from nexusdev.stack.model import Service

_MOUNT = "/nexusdev-volume"
_CHUNK = 2 * 1024 * 1024
_EXPORT = f"cd {_MOUNT} && tar -cf - ."
# Owners are those of the archive where the user may set them, and else the user, who is the service's own.
_IMPORT = f"cd {_MOUNT} && find . -mindepth 1 -delete && tar -xpf - --no-overwrite-dir"


class ClaimCopy:
    """``interfaces.VolumeCopy``: folders in a pod that runs."""

    def __init__(self, volumes: KubernetesVolumes, pod: str, *, size: int) -> None:
        self._volumes = volumes
        self._pod = pod
        self.size = size

    def export(self, volume: str, stream: IO[bytes]) -> None:
        self._volumes.stream(self._pod, f"cd {volume_scripts.COPY}/data/{volume} && tar -cf - .", volume, stream)


class KubernetesVolumes:
    """``interfaces.VolumeArchive`` by kubectl."""

    def __init__(
        self,
        kubectl: Kubectl,
        names: InstanceNames,
        look: Callable[[], ClusterSnapshot],
        image: Callable[[str], str] = str,
    ) -> None:
        self._kubectl = kubectl
        self._names = names
        self._look = look
        self._image = image

    def export(self, volume: str, stream: IO[bytes]) -> None:
        pod = self._pod(volume, self._look())
        with helper_pods.running(self._kubectl, self._names, pod) as name:
            self.stream(name, _EXPORT, volume, stream)

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        seen = self._look()
        pod = self._pod(volume, seen)
        claim = seen.claims[volume].name
        if users := [each.name for each in seen.pods if claim in each.claims and not each.is_over]:
            raise shared_errors.volume_has_users(volume, sorted(users))
        with helper_pods.running(self._kubectl, self._names, pod) as name:
            process = self._started(name, _IMPORT, stdin=subprocess.PIPE)
            if process.stdin:
                shutil.copyfileobj(stream, process.stdin, _CHUNK)
                process.stdin.close()
            self._end(process, volume, "imported")

    def create(self, volume: str) -> None:
        """Raise NotFound for a claim that does not exist: claims are made with the workloads that own them."""
        self._pod(volume, self._look())

    def free(self, volume: str) -> int:
        pod = self._pod(volume, self._look())
        with helper_pods.running(self._kubectl, self._names, pod) as name:
            where = (f"pod/{name}", "--namespace", self._names.namespace, "--container", helper_pods.CONTAINER)
            told = self._kubectl.run("exec", *where, "--", "df", "-B1", "--output=avail", _MOUNT)
        return int(told.split()[-1])

    @contextlib.contextmanager
    def copy(
        self, volumes: Sequence[str], *, hold: Callable[[], AbstractContextManager[object]]
    ) -> Iterator[ClaimCopy]:
        """Copy by a pod that mounts all claims, so all of them must be on one node, as in kind."""
        seen = self._look()
        pods = [self._pod(volume, seen) for volume in volumes]
        pod = replace(
            pods[0],
            volumes=[
                *({**each.volumes[0], "name": f"volume-{number}"} for number, each in enumerate(pods)),
                {"name": "copy", "emptyDir": {}},
            ],
            mounts=[
                *(
                    {"name": f"volume-{number}", "mountPath": f"{volume_scripts.VOLUMES}/{volume}", "readOnly": True}
                    for number, volume in enumerate(volumes)
                ),
                {"name": "copy", "mountPath": volume_scripts.COPY},
            ],
        )
        with helper_pods.running(self._kubectl, self._names, pod) as name:
            needed, free = self._script(name, volume_scripts.PREPARE).split()
            if int(needed) > int(free):
                raise shared_errors.no_room_for_copy(int(needed), int(free))
            self._script(name, f"({volume_scripts.CATCH_UP}) || true")
            with hold():
                size = self._script(name, volume_scripts.CATCH_UP)
            yield ClaimCopy(self, name, size=int(size.split()[-1]))

    def stream(self, pod: str, script: str, volume: str, stream: IO[bytes]) -> None:
        """Write the output of a script in a pod to a stream. ``volume``: for the error."""
        process = self._started(pod, script, stdin=subprocess.DEVNULL)
        if process.stdout:
            shutil.copyfileobj(process.stdout, stream, _CHUNK)
        self._end(process, volume, "exported")

    def _script(self, pod: str, script: str) -> str:
        where = (f"pod/{pod}", "--namespace", self._names.namespace, "--container", helper_pods.CONTAINER)
        return self._kubectl.run("exec", *where, "--", "/bin/sh", "-c", script).decode()

    def _started(self, pod: str, script: str, *, stdin: int) -> subprocess.Popen[bytes]:
        flags = ("--stdin",) if stdin == subprocess.PIPE else ()
        where = (f"pod/{pod}", "--namespace", self._names.namespace, "--container", helper_pods.CONTAINER)
        return self._kubectl.start("exec", *flags, *where, "--", "/bin/sh", "-c", script, stdin=stdin)

    def _end(self, process: subprocess.Popen[bytes], volume: str, done: str) -> None:
        words = process.stderr.read().decode(errors="replace") if process.stderr else ""
        if code := process.wait():
            raise NexusError(
                f"volume {volume} could not be {done}",
                why=words.strip() or f"tar ended with exit code {code}",
                code="VOLUME_ARCHIVE",
            )

    def _pod(self, volume: str, seen: ClusterSnapshot) -> helper_pods.HelperPod:
        service = self._user_of(volume)
        if volume not in seen.claims:
            raise self._missing(volume)
        name = seen.claims[volume].name
        return helper_pods.HelperPod(
            name=f"volume-{secrets.token_hex(4)}",
            image=self._image(service.image),
            user=user_of(service),
            volumes=[{"name": "volume", "persistentVolumeClaim": {"claimName": name}}],
            mounts=[{"name": "volume", "mountPath": _MOUNT}],
        )

    def _user_of(self, volume: str) -> Service:
        for service in self._names.stack.services.values() if self._names.stack else ():
            if any(mount.volume == volume for mount in service.volumes):
                return service
        raise shared_errors.no_volume(volume)

    def _missing(self, volume: str) -> NexusError:
        """Return the error for a claim that is not this instance's: there is none, or it is foreign."""
        claim = claim_of_volume(volume, self._names.stack)
        namespace = self._names.namespace
        try:
            self._kubectl.run("get", "persistentvolumeclaim", claim, "--namespace", namespace, "--output", "name")
        except NotFound:
            return shared_errors.no_volume(volume)
        return apply_errors.foreign_volume(volume, f"{namespace}/{claim}")
