"""Exports and imports volumes as tar streams through a temporary container, so that remote engines work too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any

from nexusdev.errors import NexusError
from nexusdev.interfaces import Completed
from nexusdev.runtimes import shared_errors, volume_scripts
from nexusdev.runtimes.docker import docker_errors, labels
from nexusdev.runtimes.docker.build_container import remove
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.create import ResourceNames, helper_config, volume_labels
from nexusdev.runtimes.docker.exec import Exec
from nexusdev.runtimes.docker.volumes import open_volumes
from nexusdev.stack.model import Service

_MOUNT = "/nexusdev-volume"
_CHUNK = 2 * 1024 * 1024
_FREE = f"df -B1 --output=avail {_MOUNT}"
_EMPTY = f"rm -rf -- {_MOUNT}/* {_MOUNT}/.[!.]* {_MOUNT}/..?*"


class DockerVolumeCopy:
    """``interfaces.VolumeCopy``: folders in the volume of a running container."""

    def __init__(self, engine: Engine, helper: str, *, size: int) -> None:
        self._engine = engine
        self._helper = helper
        self.size = size

    def export(self, volume: str, stream: IO[bytes]) -> None:
        with translate_engine_errors(self._engine.endpoint):
            chunks, _ = self._engine.api.get_archive(
                self._helper, f"{volume_scripts.COPY}/data/{volume}/.", chunk_size=_CHUNK
            )
            for chunk in chunks:
                stream.write(chunk)


class DockerVolumes:
    """``interfaces.VolumeArchive`` over the Engine API."""

    def __init__(self, engine: Engine, names: ResourceNames) -> None:
        self._engine = engine
        self._names = names

    def export(self, volume: str, stream: IO[bytes]) -> None:
        with translate_engine_errors(self._engine.endpoint), self._helper(volume) as helper:
            chunks, _ = self._engine.api.get_archive(helper, f"{_MOUNT}/.", chunk_size=_CHUNK)
            for chunk in chunks:
                stream.write(chunk)

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        with translate_engine_errors(self._engine.endpoint):
            self._require_unused(volume)
            with self._helper(volume, command=_EMPTY) as helper:
                self._engine.api.start(helper)
                code = self._engine.api.wait(helper)["StatusCode"]
                if code:
                    raise NexusError(f"volume {volume} could not be emptied", why=f"rm ended with exit code {code}")
                self._engine.api.put_archive(helper, _MOUNT, iter(lambda: stream.read(_CHUNK), b""))

    def create(self, volume: str) -> None:
        with translate_engine_errors(self._engine.endpoint):
            service = self._user_of(volume)
            full_name = self._names.volume(volume)
            self._engine.api.create_volume(full_name, labels=volume_labels(self._names, volume))
            self._require_own(volume)
            config = helper_config(service, self._names, {full_name: _MOUNT})
            helper = str(self._engine.api.create_container_from_config(config)["Id"])
            try:
                open_volumes(self._engine.api, service, helper, self._names)
            finally:
                remove(self._engine.api, helper)

    def free(self, volume: str) -> int:
        with translate_engine_errors(self._engine.endpoint), self._helper(volume, command=_FREE) as helper:
            self._engine.api.start(helper)
            self._engine.api.wait(helper)
            return int(self._engine.api.logs(helper, stderr=False).split()[-1])

    @contextlib.contextmanager
    def copy(
        self, volumes: Sequence[str], *, hold: Callable[[], AbstractContextManager[object]]
    ) -> Iterator[DockerVolumeCopy]:
        with translate_engine_errors(self._engine.endpoint):
            for volume in volumes:
                self._require_own(volume)
            helper = self._start_copier(volumes)
        try:
            prepared = self._run(helper, volume_scripts.PREPARE)
            if prepared.exit_code == volume_scripts.NO_ROOM:
                raise shared_errors.no_room_for_copy(*map(int, prepared.stdout.split()))
            self._require(prepared, "prepared")
            self._run(helper, volume_scripts.CATCH_UP)  # files may go while it reads: its exit code does not matter yet
            with hold():
                done = self._run(helper, volume_scripts.CATCH_UP)
            self._require(done, "completed")
            yield DockerVolumeCopy(self._engine, helper, size=int(done.stdout.split()[-1]))
        finally:
            with translate_engine_errors(self._engine.endpoint):
                remove(self._engine.api, helper)

    def _start_copier(self, volumes: Sequence[str]) -> str:
        """Start a container with all volumes and a volume of its own, which is removed with it. One that a killed command left is removed."""
        name = f"{self._names.project}-snapshot"
        left = self._engine.http.containers(all=True, filters={"name": f"^/{name}$"})
        for each in left:
            if (each.get("Labels") or {}).get(labels.INSTANCE) == self._names.instance:
                remove(self._engine.api, str(each["Id"]))
        folders = {self._names.volume(each): f"{volume_scripts.VOLUMES}/{each}" for each in volumes}
        config = helper_config(self._user_of(volumes[0]), self._names, folders)
        for mount in config["HostConfig"]["Mounts"]:
            mount["ReadOnly"] = True
        config["HostConfig"]["Mounts"].append({"Type": "volume", "Target": volume_scripts.COPY})
        config["HostConfig"]["AutoRemove"] = True
        config |= {"Entrypoint": ["/bin/sh", "-c", volume_scripts.IDLE], "Cmd": [], "User": "0:0"}
        helper = str(self._engine.api.create_container_from_config(config, name)["Id"])
        self._engine.api.start(helper)
        return helper

    def _run(self, helper: str, script: str) -> Completed:
        with translate_engine_errors(self._engine.endpoint):
            return Exec(self._engine, helper, ("/bin/sh", "-c", script)).collect(None, None)

    def _require(self, done: Completed, what: str) -> None:
        if done.exit_code:
            raise NexusError(
                f"the copy of the volumes could not be {what}",
                why=done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}",
                code="VOLUME_ARCHIVE",
            )

    @contextlib.contextmanager
    def _helper(self, volume: str, *, command: str = "true") -> Iterator[str]:
        """Yield a container with the volume, from the image of a service that uses it. The container is removed in the end."""
        self._require_own(volume)
        config = helper_config(self._user_of(volume), self._names, {self._names.volume(volume): _MOUNT})
        config |= {"Entrypoint": ["/bin/sh", "-c", command], "User": "0:0"}
        helper = str(self._engine.api.create_container_from_config(config)["Id"])
        try:
            yield helper
        finally:
            remove(self._engine.api, helper)

    def _user_of(self, volume: str) -> Service:
        services = self._names.stack.services.values() if self._names.stack else ()
        for service in services:
            if any(mount.volume == volume for mount in service.volumes):
                return service
        raise shared_errors.no_volume(volume)

    def _require_own(self, volume: str) -> None:
        full_name = self._names.volume(volume)
        listed = self._engine.http.volumes(filters={"name": full_name}).get("Volumes") or []
        found: Any = next((each for each in listed if each["Name"] == full_name), None)
        if found is None:
            raise shared_errors.no_volume(volume)
        if (found.get("Labels") or {}).get(labels.INSTANCE) != self._names.instance:
            raise docker_errors.not_ours("volume", full_name)

    def _require_unused(self, volume: str) -> None:
        """Raise an error if a running container mounts the volume, including containers outside the instance."""
        running = self._engine.http.containers(filters={"volume": self._names.volume(volume)})
        if running:
            names = [(each["Labels"] or {}).get(labels.SERVICE) or each["Names"][0].strip("/") for each in running]
            raise shared_errors.volume_has_users(volume, sorted(names))
