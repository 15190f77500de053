"""The Docker runtime of one instance: observes it, applies steps, and reads its containers' output.

The runtime is bound to one instance by project, instance name and owner path. These are stored as labels, and resources are found by
labels only. The other inputs of a new container (network, hosts file, paths for Compose's labels) come from the Stack that the
constructor takes. Without a Stack it can observe, stop, start and remove, but not create.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nexusdev.errors import InvalidConfig, NotFound, RuntimeSlow
from nexusdev.interfaces import Address, Advice, Completed, LogLine, OneOff, ReadBack, ServiceExit, View
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import addresses, create, labels, observe
from nexusdev.runtimes.docker.connection import Engine, engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.http_client import EngineAnswer
from nexusdev.runtimes.docker.plan.observation import DockerObservation, observation_of, snapshot_of
from nexusdev.util.files import write_in_place
from nexusdev.util.parallel import together

_ATTEMPTS = 3

if TYPE_CHECKING:
    from threading import Event

    from nexusdev.faults import FaultInjector
    from nexusdev.interfaces import VolumeArchive
    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.stack.model import Stack


class DockerRuntime:
    """``interfaces.Runtime`` over the Engine API. Connects at the first call. Thread-safe."""

    def __init__(
        self,
        project: str,
        *,
        instance: str,
        owner_path: str,
        state_path: str = "",
        stack: Stack | None = None,
        connection: Engine | None = None,
        connect: Callable[[], Engine] = engine,
        more_labels: Mapping[str, str] | None = None,
    ) -> None:
        self._names = create.ResourceNames(
            project=project,
            instance=instance,
            owner_path=owner_path,
            state_path=state_path,
            stack=stack,
            more=more_labels or {},
        )
        self._connect = connect if connection is None else lambda: connection

    @cached_property
    def _engine(self) -> Engine:
        return self._connect()

    @property
    def _api(self) -> Any:
        return self._engine.api

    def _talking(self) -> contextlib.AbstractContextManager[None]:
        return translate_engine_errors(self._engine.endpoint)

    @property
    def advice(self) -> Advice:
        from nexusdev.runtimes.docker.advice import ADVICE

        return ADVICE

    @property
    def network(self) -> str:
        return self._names.network("nexus")

    def volume_name(self, volume: str) -> str:
        return self._names.volume(volume)

    def observe(self) -> DockerObservation:
        """Observe the instance with three list requests, and inspect the few containers whose list entry is not sufficient.

        Volumes are listed by Compose's label, which nexusdev's have too: Compose's ``up`` also creates volumes of services that it does not
        start, with no other label. A slow engine is queried again.
        """
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(RuntimeSlow):
                return self._observe()
        return self._observe()

    def _observe(self) -> DockerObservation:
        ours = {"label": f"{labels.INSTANCE}={self._names.instance}"}
        projects = {"label": f"{labels.PROJECT}={self._names.project}"}
        with self._talking():
            http = self._engine.http
            containers = http.containers(all=True)
            volumes = http.volumes(filters=projects).get("Volumes") or []
            networks = http.networks(filters=ours)
            wanted = observe.needs_details(each for each in containers if observe.is_ours(each, self._names))
            details = self._details(wanted)
        # a container that was removed between the two requests is left out
        containers = [each for each in containers if each["Id"] not in wanted or each["Id"] in details]
        return observation_of(observe.snapshot(containers, volumes, networks, details, self._names))

    @cached_property
    def faults(self) -> FaultInjector:
        from nexusdev.runtimes.docker.faults import DockerFaults

        return DockerFaults(self._engine, self._names)

    @cached_property
    def volumes(self) -> VolumeArchive:
        from nexusdev.runtimes.docker.volume_archive import DockerVolumes

        return DockerVolumes(self._engine, self._names)

    def _details(self, ids: Sequence[str]) -> Mapping[str, Any]:
        found = together({f"inspect-{each[:12]}": partial(self._inspect, each) for each in ids}, limit=4)
        return {each["Id"]: each for each in found.values() if each}

    def _inspect(self, container: str) -> Any:
        try:
            return self._engine.http.inspect_container(container)
        except EngineAnswer as answer:
            if answer.status_code != HTTPStatus.NOT_FOUND:
                raise
            return None

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        from nexusdev.runtimes.docker.plan.intents import plan_for

        return plan_for(intent, snapshot_of(observation or self.observe()), owner_path=self._names.owner_path)

    def apply(self, step: Step) -> None:
        """Execute one step. Raises PortInUse, IdentityMismatch, ImageUnavailable, InvalidState, PreflightFailed."""
        from nexusdev.runtimes.docker.apply_steps import DockerStepApplier
        from nexusdev.runtimes.docker.plan.steps import docker_step

        with self._talking():
            DockerStepApplier(self._api, self._names).apply_step(docker_step(step))

    def _running(self, service: str) -> str:
        """Return the id of the service's running container, found by label, because another container may have its name."""
        own = [f"{labels.INSTANCE}={self._names.instance}", f"{labels.SERVICE}={service}", f"{labels.ONE_OFF}=False"]
        with self._talking():
            found = self._engine.http.containers(filters={"label": own, "status": "running"})
        if not found:
            raise shared_errors.no_container(service)
        return str(found[0]["Id"])

    def now(self) -> float:
        """Return the engine's time, measured once per connection; see ``Engine.now``. Raises PreflightFailed."""
        return self._engine.now()

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        """Return the published addresses; empty without a stack."""
        return addresses.addresses(self._names.stack, view) if self._names.stack else {}

    def ca_path(self, view: View) -> str:
        return addresses.ca_path(self._names.state_path, view)

    def client_folder(self, view: View) -> str:
        return addresses.client_folder(self._names.state_path, view)

    def publish_secret(self, name: str, value: str) -> None:
        """Write the secret file in place: containers mount the file itself and see every write. Raises InvalidConfig for an unknown name."""
        secret = self._names.stack.secrets.get(name) if self._names.stack else None
        if secret is None:
            raise InvalidConfig(f"no such secret: {name}", why="the loaded compose files do not declare it")
        _overwrite(secret.file, value.encode())

    def publish_file(self, name: str, data: bytes) -> None:
        """Write the file in place, as for secrets."""
        _overwrite(Path(self._names.state_path) / name, data)

    def watch_exits(self, stop: Event) -> Iterator[ServiceExit]:
        """Yield exits from the moment of the call on, not from the first ``next``."""
        from nexusdev.runtimes.docker.streams import ContainerExits

        with self._talking():
            return iter(ContainerExits(self._engine, self._names.instance, stop))

    def read_back(self, image: str) -> ReadBack | None:
        from nexusdev.runtimes.docker.read_back import read_back

        stack = self._names.stack
        return read_back(self._engine, stack, self._names, image) if stack else None

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Yield log lines. ``services``: empty for all. ``since``: seconds since the epoch."""
        from nexusdev.runtimes.docker.streams import Logs

        with self._talking():
            own = [f"{labels.INSTANCE}={self._names.instance}", f"{labels.ONE_OFF}=False"]
            listed = self._engine.http.containers(all=True, filters={"label": own})
        by_service = {each["Labels"].get(labels.SERVICE, ""): each["Id"] for each in listed}
        if missing := [name for name in services if name not in by_service]:
            raise NotFound(
                f"{missing[0]} has no container", why="logs exist only for containers", hint="nexusdev status"
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
        """Run a command. Raises NotFound (not running), NotReadyInTime (``timeout`` seconds passed)."""
        from nexusdev.runtimes.docker.exec import Exec

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
        """Run a command with these streams. Raises NotFound (not running)."""
        from nexusdev.runtimes.docker.exec import Exec

        container = self._running(service)
        with self._talking():
            command = Exec(self._engine, container, argv, tty=tty, with_stdin=stdin is not None)
        return command.attach(stdin, stdout, stderr)

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a one-off container. Raises NotFound (no network, no image, no such command), PreflightFailed."""
        from nexusdev.runtimes.docker.run import run

        return run(self._engine, self._names, one_off, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)


def _overwrite(file: Path, data: bytes) -> None:
    """Write a mounted file if its content differs. The secret store may have written the same file already."""
    if not file.exists() or file.read_bytes() != data:
        write_in_place(file, data, set_owner=lambda _: None)
