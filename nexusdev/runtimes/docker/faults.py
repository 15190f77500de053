"""Injects failures of containers through the engine, only into those with this instance's labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nexusdev.errors import NexusError
from nexusdev.faults import Fault
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import docker_errors, labels
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.exec import Exec
from nexusdev.runtimes.docker.observe import namespace_of
from nexusdev.runtimes.injection import inject_each
from nexusdev.runtimes.main_process import KILL_SCRIPT

_LOOKS, _PAUSE = 50, 0.1  # how often to look for a killed process, and the seconds between two checks
_PAUSED = "paused"
_ALIVE = ("running", _PAUSED, "restarting")


def _found(running: Mapping[str, Any], service: str) -> Any:
    if service not in running:
        raise shared_errors.no_container(service)
    return running[service]


class DockerFaults:
    """``faults.FaultInjector`` over the Engine API."""

    def __init__(self, engine: Engine, names: ResourceNames) -> None:
        self._engine = engine
        self._names = names

    def supports(self, fault: Fault) -> bool:
        return fault in self._deeds()

    def inject(self, fault: Fault, *services: str) -> None:
        with translate_engine_errors(self._engine.endpoint):
            deed, running = self._deeds()[fault], self._running(services)
            inject_each(services, lambda service: deed(_found(running, service), service))

    def _deeds(self) -> Mapping[Fault, Callable[[Any, str], None]]:
        return {
            Fault.KILL: self._kill,
            Fault.CRASH: self._crash,
            Fault.PAUSE: self._pause,
            Fault.RESUME: self._resume,
            Fault.PARTITION: self._partition,
            Fault.HEAL: self._heal,
        }

    def _running(self, services: Sequence[str]) -> Mapping[str, Any]:
        """Return service → its row of the engine's list, found by label, because another container may have its name."""
        own = [f"{labels.INSTANCE}={self._names.instance}", f"{labels.ONE_OFF}=False"]
        if len(services) == 1:
            own.append(f"{labels.SERVICE}={services[0]}")
        rows = self._engine.http.containers(all=True, filters={"label": own, "status": [*_ALIVE]})
        return {row["Labels"][labels.SERVICE]: row for row in rows}

    def _inspected(self, row: Any) -> Any:
        return self._engine.http.inspect_container(row["Id"])

    def _kill(self, row: Any, service: str) -> None:
        del service
        self._engine.api.kill(row["Id"])

    def _crash(self, row: Any, service: str) -> None:
        """Kill the main process behind an init process. Process 1 can only be killed by the engine, which then does not restart it."""
        container = self._inspected(row)
        if container["HostConfig"].get("Init"):
            self._kill_main(container)
            return
        self._kill(container, service)
        if container["HostConfig"]["RestartPolicy"]["Name"] not in ("", "no"):
            self._engine.api.wait(container["Id"])
            self._engine.api.start(container["Id"])

    def _kill_main(self, container: Any) -> None:
        """Kill the main process. The kill command ends with its container and often has no exit code, so the run's end is checked."""
        command = Exec(self._engine, container["Id"], ("/bin/sh", "-c", KILL_SCRIPT))
        try:
            words = command.collect(None, None).stderr.decode()
        except NexusError as error:
            words = error.message
        for _ in range(_LOOKS):
            found = self._engine.http.inspect_container(container["Id"])["State"]
            if found["StartedAt"] != container["State"]["StartedAt"] or not found["Running"]:
                return
            time.sleep(_PAUSE)
        raise docker_errors.refused(f"the main process of {container['Name'].strip('/')} could not be killed: {words}")

    def _pause(self, row: Any, service: str) -> None:
        del service
        if row["State"] != _PAUSED:
            self._engine.api.pause(row["Id"])

    def _resume(self, row: Any, service: str) -> None:
        del service
        if row["State"] == _PAUSED:
            self._engine.api.unpause(row["Id"])

    def _partition(self, row: Any, service: str) -> None:
        container = self._inspected(row)
        self._require_own_network(container, service)
        for network in self._attached(container):
            self._engine.api.disconnect_container_from_network(container["Id"], network)

    def _heal(self, row: Any, service: str) -> None:
        """Attach the container again with its original address and names."""
        container = self._inspected(row)
        self._require_own_network(container, service)
        stack = self._names.stack
        if stack is None or self._attached(container):
            return
        wanted = stack.services[service]
        self._engine.api.connect_container_to_network(
            container["Id"],
            self._names.network(stack.network.name),
            ipv4_address=wanted.address,
            aliases=[service, *wanted.aliases],
        )

    def _attached(self, container: Any) -> list[str]:
        """Return the networks of this instance that the container is attached to, and no others."""
        ours = self._engine.http.networks(filters={"label": f"{labels.INSTANCE}={self._names.instance}"})
        return [each["Name"] for each in ours if each["Name"] in container["NetworkSettings"]["Networks"]]

    def _require_own_network(self, container: Any, service: str) -> None:
        if owner := namespace_of(container):
            told = self._engine.http.inspect_container(owner)["Config"]["Labels"]
            raise shared_errors.shares_network(service, told.get(labels.SERVICE, owner))
