"""Brings new content of secrets and config files to running pods, and waits until they see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from msgspec import Struct

from nexusdev.errors import NexusError, PreflightFailed
from nexusdev.runtimes.kubernetes.desired import Unit, secret_values, secret_with_values
from nexusdev.runtimes.kubernetes.exec import PodExec
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import TOUCHED, InstanceNames
from nexusdev.runtimes.kubernetes.places import PodTarget, ServicePlace, place_of
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.stack.model import Stack
from nexusdev.util.parallel import together

# The kubelet looks by itself once a minute.
_PATIENCE = 100.0
_TICK = 0.3
_AT_ONCE = 6


class _PodReader(Struct, frozen=True, kw_only=True):
    """A service that mounts the file, and where."""

    service: str
    place: ServicePlace
    path: str


class Publisher:
    """Publishes content to the pods of one instance."""

    def __init__(
        self,
        kubectl: Kubectl,
        names: InstanceNames,
        stack: Stack,
        units: Iterable[Unit],
        look: Callable[[], ClusterSnapshot],
    ) -> None:
        self._kubectl = kubectl
        self._names = names
        self._stack = stack
        self._units = tuple(units)
        self._look = look

    def secret(self, name: str, value: bytes) -> None:
        """Write a secret to the Secrets of all groups that mount it, and wait for their pods."""
        seen = self._look()
        objects = [
            secret_with_values(unit, {**secret_values(unit), name: value}, self._names)
            for unit in self._units
            if name in unit.secrets and f"Secret/{unit.name}" in seen.checksums
        ]
        self._publish(objects, "secret", name, value, seen)

    def config(self, name: str, data: bytes) -> None:
        """Write a config file to the ConfigMaps of all groups that mount it, and wait for their pods."""
        seen = self._look()
        objects = [
            each
            for unit in self._units
            for each in unit.objects
            if each["kind"] == "ConfigMap" and name in each["data"] and f"ConfigMap/{unit.name}" in seen.checksums
        ]
        self._publish(objects, "config", name, data, seen)

    def _publish(self, objects: list[Manifest], kind: str, name: str, value: bytes, seen: ClusterSnapshot) -> None:
        if not objects:
            return  # nothing of the instance exists that could see it
        self._kubectl.apply(objects)
        readers = list(self._readers(kind, name, seen))
        pods = list(dict.fromkeys(each.place.pod.name for each in readers))
        if not pods:
            return
        touched = {"metadata": {"annotations": {TOUCHED: str(time.time_ns())}}}
        together(
            {pod: partial(self._kubectl.patch, f"pod/{pod}", self._names.namespace, touched) for pod in pods},
            limit=_AT_ONCE,
        )
        together({each.service: partial(self._await, each, value) for each in readers}, limit=_AT_ONCE)

    def _readers(self, kind: str, name: str, seen: ClusterSnapshot) -> Iterable[_PodReader]:
        """Yield the running services that mount the file."""
        for service in self._stack.services.values():
            for file in service.files:
                if (file.kind, file.name) == (kind, name) and (place := _running(service.name, seen)):
                    yield _PodReader(service=service.name, place=place, path=file.target)

    def _await(self, reader: _PodReader, value: bytes) -> None:
        deadline = time.monotonic() + _PATIENCE
        target = PodTarget(ref=f"pod/{reader.place.pod.name}", container=reader.place.container)
        while time.monotonic() < deadline:
            try:
                command = PodExec(self._kubectl, self._names, reader.service, target, ("cat", reader.path))
                if command.collect(None, _PATIENCE).stdout == value:
                    return
            except NexusError as error:
                if _running(reader.service, self._look()) is None:
                    return  # it ended meanwhile, and reads the file when it starts
                if error.is_bug:
                    raise
            time.sleep(_TICK)
        raise PreflightFailed(
            f"{reader.service} does not see the new content of {reader.path}",
            why=f"the kubelet has not updated it for {_PATIENCE:g} s",
            hint=f"nexusdev restart {reader.service}",
        )


def _running(service: str, seen: ClusterSnapshot) -> ServicePlace | None:
    try:
        return place_of(service, seen, running=True)
    except NexusError:
        return None
