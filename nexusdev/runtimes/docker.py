"""An instance on a Docker engine: what is there, one step of a plan, and what its containers say.

The runtime is bound to one instance by project, instance name and owner path, which become labels; by them alone it finds
everything again. What a new container needs beside its Service - network, hosts file, paths for Compose's labels - comes from
the Stack that the constructor takes. Without a Stack it observes, stops, starts and removes, and creates nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from nexusdev.errors import NexusError, NotFound
from nexusdev.plan.snapshot import Snapshot
from nexusdev.plan.steps import Act, Step
from nexusdev.ports import Completed, Death, LogLine
from nexusdev.runtimes import docker_create as create
from nexusdev.runtimes import docker_failures as failures
from nexusdev.runtimes import docker_observe as observe
from nexusdev.runtimes import labels
from nexusdev.runtimes.docker_connect import Engine, EngineFacts, engine, in_our_words

if TYPE_CHECKING:
    from nexusdev.stack.model import Service, Stack

_CONFLICT, _NOT_FOUND, _FORBIDDEN = 409, 404, 403
_ANYBODY = 0o1777
_ALL, _STICKY_IN_GO = 0o777, 1 << 20  # the engine tells modes as Go writes them
_FILL = "nexusdev-volume"


class DockerRuntime:
    """ports.Runtime over the Engine API. Cheap to construct: connects at the first call. Safe to use from several threads."""

    def __init__(
        self,
        project: str,
        *,
        instance: str,
        owner_path: str,
        stack: Stack | None = None,
        connection: Engine | None = None,
    ) -> None:
        self._names = create.Names(project=project, instance=instance, owner_path=owner_path, stack=stack)
        self._given = connection

    @cached_property
    def _engine(self) -> Engine:
        return self._given or engine()

    @property
    def _api(self) -> Any:
        return self._engine.api

    def _talking(self) -> contextlib.AbstractContextManager[None]:
        return in_our_words(self._engine.endpoint)

    def engine_facts(self) -> EngineFacts:
        """What ``doctor`` tells. Raises PreflightFailed."""
        return self._engine.facts()

    def observe(self) -> Snapshot:
        """Three lists, and details of the few containers of which the list does not tell enough."""
        ours = {"label": f"{labels.INSTANCE}={self._names.instance}"}
        with self._talking():
            containers = self._api.containers(all=True)
            volumes = self._api.volumes(filters=ours).get("Volumes") or []
            networks = self._api.networks(filters=ours)
            wanted = observe.needs_details(each for each in containers if observe.is_ours(each, self._names))
            details = self._details(wanted)
        # a container that went away between the two looks is not there
        containers = [each for each in containers if each["Id"] not in wanted or each["Id"] in details]
        return observe.snapshot(containers, volumes, networks, details, self._names)

    def _details(self, ids: Sequence[str]) -> Mapping[str, Any]:
        if not ids:
            return {}
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = list(pool.map(self._inspect, ids))
        return {each["Id"]: each for each in found if each}

    def _inspect(self, container: str) -> Any:
        import docker.errors

        try:
            return self._api.inspect_container(container)
        except docker.errors.NotFound:
            return None

    def apply(self, step: Step) -> None:
        """Do one step. Raises PortInUse, IdentityMismatch, ImageUnavailable, InvalidState, PreflightFailed."""
        with self._talking():
            match step.act:
                case Act.CREATE_NETWORK:
                    self._create_network()
                case Act.CREATE_VOLUME:
                    self._create_volume(step.subject)
                case Act.CREATE:
                    self._create(step)
                case Act.START:
                    self._start(step)
                case Act.UNPAUSE:
                    self._unpause(self._target(step))
                case Act.STOP:
                    self._stop(self._target(step))
                case Act.REMOVE:
                    self._remove(self._target(step))
                case Act.REMOVE_NETWORK:
                    self._remove_network(step.target or self._names.network(step.subject))
                case Act.REMOVE_VOLUME:
                    self._remove_volume(step.target or self._names.volume(step.subject))

    def _target(self, step: Step) -> str:
        return step.target or self._names.container(step.subject)

    @property
    def _stack(self) -> Stack:
        if self._names.stack is None:
            raise NexusError("a runtime without a stack cannot create anything")
        return self._names.stack

    def _create_network(self) -> None:
        import docker.errors

        network = self._stack.network
        name = self._names.network(network.name)
        pool = {"Driver": "default", "Config": [{"Subnet": network.subnet}]}
        tags = create.network_labels(self._names, network)
        try:
            self._api.create_network(name, driver="bridge", ipam=pool, check_duplicate=True, labels=tags)
        except docker.errors.APIError as error:
            if error.status_code == _CONFLICT:
                return self._require_ours("network", self._api.inspect_network(name))
            if "overlaps" in str(error.explanation):
                raise failures.subnet_taken(network.subnet, self._api.networks) from error
            raise

    def _create_volume(self, name: str) -> None:
        full_name = self._names.volume(name)
        self._require_ours("volume", self._api.create_volume(full_name, labels=create.volume_labels(self._names, name)))

    def _require_ours(self, kind: str, found: Mapping[str, Any]) -> None:
        """The engine hands out what exists under a name, whoever made it."""
        if not observe.is_ours(found, self._names):
            raise failures.not_ours(kind, found["Name"])

    def _create(self, step: Step) -> None:
        """Made under a name of its own until its volumes can be written: a cut between the two leaves a stray, not a broken service."""
        service = step.service
        if service is None:
            raise NexusError(f"the step {step} says not what to create")
        name = self._names.container(service.name)
        owner = self._id_of(service.shares) if service.shares else ""
        config = create.container_config(
            service, self._names, self._stack, fingerprint=step.fingerprint, owner_id=owner
        )
        if not service.volumes:
            self._create_named(config, name, service, step.fingerprint)
            return
        made = self._create_named(config, f"{name}-new", service, step.fingerprint)
        try:
            self._open_volumes(service, made)
            self._rename(made, name, service, step.fingerprint)
        except BaseException:
            with contextlib.suppress(Exception):
                self._api.remove_container(made, force=True)
            raise

    def _create_named(self, config: Mapping[str, Any], name: str, service: Service, fingerprint: str) -> str:
        import docker.errors

        try:
            return str(self._api.create_container_from_config(dict(config), name=name)["Id"])
        except docker.errors.APIError as error:
            if refusal := failures.creation_refused(str(error.explanation), service=service.name, image=service.image):
                raise refusal from error
            if error.status_code == _CONFLICT:
                return self._already_there(name, service, fingerprint)
            raise

    def _already_there(self, name: str, service: Service, fingerprint: str) -> str:
        """Creating twice is the same as once, if it was ours and the same."""
        there = self._api.inspect_container(name)
        tags = there["Config"].get("Labels") or {}
        if tags.get(labels.INSTANCE) == self._names.instance and tags.get(labels.FINGERPRINT) == fingerprint:
            return str(there["Id"])
        raise failures.name_taken(name, service.name, there["Config"].get("Image", ""))

    def _rename(self, container: str, name: str, service: Service, fingerprint: str) -> None:
        import docker.errors

        try:
            self._api.rename(container, name)
        except docker.errors.APIError as error:
            if error.status_code != _CONFLICT:
                raise
            if self._already_there(name, service, fingerprint) != container:
                self._api.remove_container(container, force=True)

    def _id_of(self, service: str) -> str:
        return str(self._api.inspect_container(self._names.container(service))["Id"])

    def _open_volumes(self, service: Service, container: str) -> None:
        """Make the roots of the service's volumes writable for any uid, where the image did not bring that along."""
        closed = {
            self._names.volume(mount.volume): f"/{_FILL}-{index}"
            for index, mount in enumerate(service.volumes)
            if not self._is_open(container, mount.target)
        }
        if not closed:
            return
        helper = self._api.create_container_from_config(create.helper_config(service, self._names, closed))["Id"]
        try:
            self._api.put_archive(helper, "/", _open_folders(closed.values()))
        finally:
            self._api.remove_container(helper, force=True, v=True)

    def _is_open(self, container: str, path: str) -> bool:
        """Whether a path in a container has mode 1777, by the header that the engine answers a HEAD with."""
        url = self._api._url("/containers/{0}/archive", container)
        reply = self._api.head(url, params={"path": path}, timeout=self._api.timeout)
        if not reply.ok:
            return False
        mode = json.loads(b64decode(reply.headers["X-Docker-Container-Path-Stat"]))["mode"]
        return bool(mode & _ALL == _ALL and mode & _STICKY_IN_GO)

    def _start(self, step: Step) -> None:
        import docker.errors

        try:
            self._api.start(self._target(step))
        except docker.errors.APIError as error:
            words = str(error.explanation)
            if port := failures.port_in_words(words):
                raise failures.port_in_use(step.subject, port, self._api.containers()) from error
            if refusal := failures.creation_refused(words, service=step.subject, image=""):
                raise refusal from error
            raise

    def _unpause(self, container: str) -> None:
        import docker.errors

        try:
            self._api.unpause(container)
        except docker.errors.APIError as error:
            if "not paused" not in str(error.explanation):
                raise

    def _stop(self, container: str) -> None:
        """By the container's own signal and grace. A paused process cannot hear the signal."""
        if self._inspect(container)["State"]["Paused"]:
            self._unpause(container)
        self._api.stop(container)

    def _remove(self, container: str) -> None:
        """Stopped in peace first. Gone already, or just going, is as good."""
        import docker.errors

        there = self._inspect(container)
        if there is None:
            return
        try:
            if there["State"]["Running"]:
                self._stop(container)
            self._api.remove_container(container, force=True, v=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            if "already in progress" not in str(error.explanation):
                raise
            self._await_absence(container)

    def _await_absence(self, container: str) -> None:
        deadline = time.monotonic() + 10
        while self._inspect(container) is not None and time.monotonic() < deadline:
            time.sleep(0.05)

    def _remove_network(self, network: str) -> None:
        import docker.errors

        with contextlib.suppress(docker.errors.NotFound):
            self._api.remove_network(network)

    def _remove_volume(self, volume: str) -> None:
        import docker.errors

        with contextlib.suppress(docker.errors.NotFound):
            self._api.remove_volume(volume)

    def _running(self, service: str) -> str:
        """The id of the service's running container, found by label: its name may be somebody else's."""
        own = [f"{labels.INSTANCE}={self._names.instance}", f"{labels.SERVICE}={service}", f"{labels.ONE_OFF}=False"]
        with self._talking():
            found = self._api.containers(filters={"label": own, "status": "running"})
        if not found:
            raise failures.no_container(service)
        return str(found[0]["Id"])

    def deaths(self, stop: object) -> Iterator[Death]:
        """Listens from the moment of the call on, not from the first ``next``."""
        from nexusdev.runtimes.docker_streams import Deaths

        with self._talking():
            return iter(Deaths(self._engine, self._names.instance, stop))

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """``services``: none means all. ``since``: seconds since the epoch."""
        from nexusdev.runtimes.docker_streams import Logs

        with self._talking():
            listed = self._api.containers(all=True, filters={"label": f"{labels.INSTANCE}={self._names.instance}"})
        by_service = {each["Labels"].get(labels.SERVICE, ""): each["Id"] for each in listed}
        if missing := [name for name in services if name not in by_service]:
            raise NotFound(
                f"{missing[0]} has no container", why="there are no logs of what does not exist", hint="nexusdev status"
            )
        chosen = {name: by_service[name] for name in (services or by_service)}
        return Logs(self._engine, chosen, tail=tail, since=since).lines(follow=follow)

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Raises NotFound (not running), NotReadyInTime (``timeout`` seconds passed)."""
        from nexusdev.runtimes.docker_exec import Exec

        container = self._running(service)
        with self._talking():
            return Exec(self._engine, container, argv, environment=environment, with_stdin=stdin is not None).collect(
                stdin, timeout
            )

    def attach(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Raises NotFound (not running)."""
        from nexusdev.runtimes.docker_exec import Exec

        container = self._running(service)
        with self._talking():
            return Exec(self._engine, container, argv, tty=tty, with_stdin=stdin is not None).attach(
                stdin, stdout, stderr
            )


def _open_folders(folders: Sequence[str] | Any) -> bytes:
    """A tar archive of empty folders that anybody may write into."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in folders:
            entry = tarfile.TarInfo(folder.strip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, _ANYBODY
            archive.addfile(entry)
    return packed.getvalue()
