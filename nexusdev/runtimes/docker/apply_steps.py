"""Applies plan steps through the Engine API; every step is idempotent, and API errors become NexusErrors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nexusdev.errors import NexusError
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import conflicts, create, docker_errors, labels, observe
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.docker.volumes import open_volumes

if TYPE_CHECKING:
    from nexusdev.stack.model import Service, Stack

_CONFLICT = 409


class DockerStepApplier:
    """Executes steps with an API client (``docker.APIClient``), for the instance of ``names``."""

    def __init__(self, api: Any, names: create.ResourceNames) -> None:
        self._api = api
        self._names = names

    def apply_step(self, step: DockerStep) -> None:
        """Execute one step. Raises PortInUse, IdentityMismatch, ImageUnavailable, InvalidState, PreflightFailed, and errors of the SDK."""
        match step.action:
            case Action.CREATE_NETWORK:
                self._create_network()
            case Action.CREATE_VOLUME:
                self._create_volume(step.resource)
            case Action.CREATE:
                self._create_container(step)
            case Action.START:
                self._start_container(step)
            case Action.UNPAUSE:
                self._unpause_container(self._target(step))
            case Action.STOP:
                self._stop_container(self._target(step))
            case Action.REMOVE:
                self._remove_container(self._target(step), kill=step.kill)
            case Action.REMOVE_NETWORK:
                self._remove_network(step)
            case Action.REMOVE_VOLUME:
                self._remove_volume(step)

    def _target(self, step: DockerStep) -> str:
        return step.target or self._names.container(step.resource)

    @property
    def _stack(self) -> Stack:
        if self._names.stack is None:
            raise NexusError("a runtime without a stack cannot create anything")
        return self._names.stack

    def _create_network(self) -> None:
        import docker.errors

        network = self._stack.network
        name = self._names.network(network.name)
        pool = {"Driver": "default", "Config": [create.address_pool(network)]}
        tags = create.network_labels(self._names, network)
        try:
            self._api.create_network(name, driver="bridge", ipam=pool, check_duplicate=True, labels=tags)
        except docker.errors.APIError as error:
            if error.status_code == _CONFLICT:
                return self._require_ours("network", self._api.inspect_network(name))
            if "overlaps" in str(error.explanation):
                raise docker_errors.subnet_taken(
                    network.subnet, conflicts.overlapping(network.subnet, self._api.networks())
                ) from error
            raise

    def _create_volume(self, name: str) -> None:
        full_name = self._names.volume(name)
        self._require_ours("volume", self._api.create_volume(full_name, labels=create.volume_labels(self._names, name)))

    def _require_ours(self, kind: str, found: Mapping[str, Any]) -> None:
        """Check the owner of a resource, because ``create`` returns an existing resource of that name with any owner."""
        if not observe.is_ours(found, self._names):
            raise docker_errors.not_ours(kind, found["Name"])

    def _create_container(self, step: DockerStep) -> None:
        """Create a container under a temporary name until its volumes are writable: an interruption leaves a stray, not a broken service."""
        service = step.service
        if service is None:
            raise NexusError(f"step {step} has no service to create")
        name = self._names.container(service.name)
        owner = self._id_of(service.shares) if service.shares else ""
        config = create.container_config(
            service, self._names, self._stack, fingerprint=step.fingerprint, owner_id=owner
        )
        if not service.volumes:
            self._create_container_named(config, name, service, step.fingerprint)
            return
        made = self._create_container_named(config, f"{name}-new", service, step.fingerprint)
        try:
            open_volumes(self._api, service, made, self._names)
            self._rename(made, name, service, step.fingerprint)
        except BaseException:
            with contextlib.suppress(Exception):
                self._api.remove_container(made, force=True)
            raise

    def _create_container_named(self, config: Mapping[str, Any], name: str, service: Service, fingerprint: str) -> str:
        import docker.errors

        try:
            return str(self._api.create_container_from_config(dict(config), name=name)["Id"])
        except docker.errors.APIError as error:
            if refusal := conflicts.creation_refused(str(error.explanation), service=service.name, image=service.image):
                raise refusal from error
            if error.status_code == _CONFLICT:
                return self._already_there(name, service, fingerprint)
            raise

    def _already_there(self, name: str, service: Service, fingerprint: str) -> str:
        """Return the id of an existing container if it is owned and has the same fingerprint, so that creation is idempotent."""
        existing = self._api.inspect_container(name)
        tags = existing["Config"].get("Labels") or {}
        if tags.get(labels.INSTANCE) == self._names.instance:
            if tags.get(labels.FINGERPRINT) == fingerprint:
                return str(existing["Id"])
            raise docker_errors.refused(f"{name} already exists with another definition")
        raise docker_errors.name_taken(name, service.name, existing["Config"].get("Image", ""))

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

    def _start_container(self, step: DockerStep) -> None:
        import docker.errors

        try:
            self._api.start(self._target(step))
        except docker.errors.APIError as error:
            words = str(error.explanation)
            if port := conflicts.port_in_words(words):
                listed = self._api.containers()
                holder, end = conflicts.holder_of(port, listed), conflicts.ending_orphans(port, listed)
                raise shared_errors.port_in_use(step.resource, port, holder, end=end) from error
            if refusal := conflicts.creation_refused(words, service=step.resource, image=""):
                raise refusal from error
            raise

    def _inspect(self, container: str) -> Any:
        """Return the inspected container; None if it does not exist."""
        import docker.errors

        try:
            return self._api.inspect_container(container)
        except docker.errors.NotFound:
            return None

    def _unpause_container(self, container: str) -> None:
        import docker.errors

        try:
            self._api.unpause(container)
        except docker.errors.APIError as error:
            if "not paused" not in str(error.explanation):
                raise

    def _stop_container(self, container: str) -> None:
        """Stop a container with its own signal and grace period. A paused process does not receive the signal."""
        existing = self._inspect(container)
        if existing and existing["State"]["Paused"]:
            self._unpause_container(container)
        self._api.stop(container)

    def _remove_container(self, container: str, *, kill: bool = False) -> None:
        """Remove a container. It is stopped gracefully first unless ``kill``. A container that is gone or being removed is no error."""
        import docker.errors

        existing = self._inspect(container)
        if existing is None:
            return
        try:
            if existing["State"]["Running"] and not kill:
                self._stop_container(container)
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

    def _remove_network(self, step: DockerStep) -> None:
        """Remove the network. The error names containers that were attached meanwhile."""
        import docker.errors

        network = step.target or self._names.network(step.resource)
        try:
            self._api.remove_network(network)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            if not conflicts.is_in_use(str(error.explanation)):
                raise
            existing = self._api.inspect_network(network)
            strangers = observe.attached_to(existing["Id"], self._others())
            raise docker_errors.network_in_use(existing["Name"], strangers) from error

    def _remove_volume(self, step: DockerStep) -> None:
        import docker.errors

        volume = step.target or self._names.volume(step.resource)
        try:
            self._api.remove_volume(volume)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            if not conflicts.is_in_use(str(error.explanation)):
                raise
            raise docker_errors.volume_in_use(volume, observe.users_of(volume, self._others())) from error

    def _others(self) -> list[Mapping[str, Any]]:
        """Return the containers outside this instance."""
        return [each for each in self._api.containers(all=True) if not observe.is_ours(each, self._names)]
