"""A container in which the instructions of an image build run.

The classic builder cannot mount the host's CA bundle and caches, and BuildKit is not available through the SDK or on every engine. So
instructions run one by one in a container with mounts, and the result becomes one layer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from nexusdev.errors import NotFound, PreflightFailed
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.image_store import BuildMounts, Say, StoredImage

if TYPE_CHECKING:
    from docker import APIClient

# Seconds until a build container ends by itself if its build did not remove it.
_LONGEST = "7200"
_CLOSED = -1
# A download from an unreachable server fails after about 50 s instead of a quarter of an hour: Go and apt wait for the kernel's timeout.
_RETRIES = "7"
# Seconds to wait until the engine has finished a removal that another client requested.
_REMOVAL = 60


class DockerBuildContainer:
    """See ``image_store.BuildContainer``."""

    def __init__(self, engine: Engine, container: str, mounts: BuildMounts, entrypoint: Sequence[str]) -> None:
        self._engine = engine
        self._container = container
        self._mounts = mounts
        self._entrypoint = entrypoint
        self._closed = False

    @classmethod
    def open(cls, engine: Engine, image: str, *, name: str, mounts: BuildMounts) -> DockerBuildContainer:
        api = engine.api
        with translate_engine_errors(engine.endpoint):
            remove(api, name)
            binds = [f"{path}:{target}:ro" for path, target in mounts.mounts.items()]
            binds += [f"{volume}:{target}" for volume, target in mounts.volumes.items()]
            # /run is in memory, so that mount points of the host's files do not become part of the image.
            host = api.create_host_config(
                binds=binds, tmpfs={"/run": "mode=755"}, init=True, sysctls={"net.ipv4.tcp_retries2": _RETRIES}
            )
            entrypoint = (api.inspect_image(image).get("Config") or {}).get("Entrypoint") or ()
            # A commit keeps the container's entrypoint, so it is set only if the image's entrypoint must be overridden.
            made = api.create_container(
                image,
                entrypoint=["sleep"] if entrypoint else None,
                command=[_LONGEST] if entrypoint else ["sleep", _LONGEST],
                name=name,
                user="0",
                working_dir="/",
                host_config=host,
                # proxies in the container's environment would be committed into the image, with their passwords
                use_config_proxy=False,
            )
            container = cls(engine, made["Id"], mounts, entrypoint)
            try:
                api.start(made["Id"])
            except BaseException:
                container.close()
                raise
        return container

    def run(self, script: str, *, user: str, folder: str, environment: Mapping[str, str], say: Say) -> int:
        api = self._engine.api
        try:
            with translate_engine_errors(self._engine.endpoint):
                started = api.exec_create(
                    self._container,
                    ["/bin/sh", "-c", script],
                    user=user,
                    workdir=folder,
                    environment={
                        "DEBIAN_FRONTEND": "noninteractive",
                        **_configured_proxies(),
                        **self._mounts.environment,
                        **environment,
                    },
                )
                for line in _lines(api.exec_start(started["Id"], stream=True)):
                    say(line)
                code = api.exec_inspect(started["Id"])["ExitCode"]
        except (NotFound, PreflightFailed):
            if self._closed:
                return _CLOSED
            raise
        return _CLOSED if self._closed or code is None else int(code)

    def put(self, archive: bytes | Iterable[bytes], folder: str) -> None:
        with translate_engine_errors(self._engine.endpoint):
            self._engine.api.put_archive(self._container, folder, archive)

    def get(self, path: str) -> Iterator[bytes]:
        with translate_engine_errors(self._engine.endpoint):
            stream, _ = self._engine.api.get_archive(self._container, path)
            yield from stream

    def commit(self, reference: str, changes: Sequence[str], labels: Mapping[str, str]) -> StoredImage:
        from nexusdev.runtimes.docker.images import DockerImages

        repository, _, tag = reference.rpartition(":")
        written = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
        if self._entrypoint:
            written.append(f"ENTRYPOINT {json.dumps(list(self._entrypoint))}")
        with translate_engine_errors(self._engine.endpoint):
            made = self._engine.api.commit(
                self._container, repository=repository, tag=tag, changes=[*changes, *written]
            )
        found = DockerImages(self._engine).find(made["Id"])
        assert found is not None, made  # noqa: S101 - the engine has just made it
        return found

    def close(self) -> None:
        self._closed = True
        with translate_engine_errors(self._engine.endpoint):
            remove(self._engine.api, self._container)


def _configured_proxies() -> dict[str, str]:
    """Return the proxies of ~/.docker/config.json; proxies in the process's environment take precedence."""
    from docker.utils.config import load_general_config
    from docker.utils.proxy import ProxyConfig

    told = load_general_config().get("proxies", {}).get("default", {})
    return dict(ProxyConfig.from_dict(told).get_environment())


def remove(api: APIClient, container: str) -> None:
    """Remove a build container. Safe if another thread removes it too: both a cancelled fetch and the builder may close it."""
    import docker.errors

    try:
        api.remove_container(container, force=True, v=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        with contextlib.suppress(docker.errors.NotFound):
            api.wait(container, timeout=_REMOVAL, condition="removed")


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield whole lines from chunks of any size. Text that a carriage return would overwrite is left out."""
    rest = b""
    for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _shown(line)
    if rest:
        yield _shown(rest)


def _shown(line: bytes) -> str:
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace").rstrip()
