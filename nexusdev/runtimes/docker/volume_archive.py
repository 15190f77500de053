"""Exports and imports volumes as tar streams through a temporary container, so that remote engines work too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO, Any

from nexusdev.errors import NexusError
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import docker_errors, labels
from nexusdev.runtimes.docker.build_container import remove
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.create import ResourceNames, helper_config
from nexusdev.stack.model import Service

_MOUNT = "/nexusdev-volume"
_CHUNK = 2 * 1024 * 1024
_EMPTY = f"rm -rf -- {_MOUNT}/* {_MOUNT}/.[!.]* {_MOUNT}/..?*"


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
