"""Decides what happens to each service, and why, from the desired and the observed state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from nexusdev.runtimes.docker.plan.snapshot import Container, Snapshot, State
from nexusdev.stack.model import Service, Stack


class ServiceAction(StrEnum):
    """The change of one service."""

    KEEP = "keep"
    CREATE = "create"
    RECREATE = "recreate"
    START = "start"
    RESTART = "restart"
    UNPAUSE = "unpause"


class Decision(Struct, frozen=True, kw_only=True):
    """The action for a service, and its reason."""

    action: ServiceAction
    reason: str = ""

    @property
    def is_recreate(self) -> bool:
        return self.action in (ServiceAction.CREATE, ServiceAction.RECREATE)


class DiffContext(Struct, frozen=True, kw_only=True):
    """The input of a decision besides the service itself.

    Attributes:
        decisions: The decisions so far, owners of shared networks first.
    """

    stack: Stack
    snapshot: Snapshot
    fingerprints: Mapping[str, str]
    new_network: bool
    decisions: Mapping[str, Decision]


KEEP = Decision(action=ServiceAction.KEEP)


def decide(service: Service, context: DiffContext) -> Decision:
    """Return the action for one service."""
    container = context.snapshot.containers.get(service.name)
    if container is None:
        return Decision(action=ServiceAction.CREATE, reason=_absence(service, context.snapshot))
    if reason := _recreate_reason(service, container, context):
        return Decision(action=ServiceAction.RECREATE, reason=reason)
    return _must_run(service, container, context)


def _absence(service: Service, snapshot: Snapshot) -> str:
    renamed = [orphan.name for orphan in snapshot.orphans if orphan.service == service.name]
    return f"its container was renamed to {renamed[0]}" if renamed else "it does not exist"


def _recreate_reason(service: Service, container: Container, context: DiffContext) -> str:
    """Return why the container must be recreated; '' if it need not be."""
    if service.shares and context.decisions.get(service.shares, KEEP).is_recreate:
        return f"it shares the network of {service.shares}, which is recreated"
    if container.fingerprint != context.fingerprints[service.name]:
        return "its definition, image, configuration or a secret changed"
    if reason := _wrong_network(service, container, context):
        return reason
    if missing := [mount.volume for mount in service.volumes if mount.volume not in context.snapshot.volumes]:
        return f"its volume {missing[0]} is missing"
    return "the engine reports it as dead" if container.state is State.DEAD else ""


def _wrong_network(service: Service, container: Container, context: DiffContext) -> str:
    if service.shares:
        owner = context.snapshot.containers.get(service.shares)
        stays = owner is not None and container.namespace_of == owner.id
        return "" if stays else f"it shares a network that no longer exists instead of that of {service.shares}"
    if context.new_network:
        return f"the network {context.stack.network.name} is recreated"
    return "" if container.attached else f"it is not attached to the network {context.stack.network.name}"


def _must_run(service: Service, container: Container, context: DiffContext) -> Decision:
    match container.state:
        case State.CREATED:
            return Decision(action=ServiceAction.START, reason="it was created but never started")
        case State.EXITED:
            return Decision(action=ServiceAction.START, reason=ended(container))
        case State.RESTARTING:
            return Decision(
                action=ServiceAction.RESTART, reason="it keeps exiting, and the engine waits before the next restart"
            )
    if reason := _lost_its_network(service, container, context):
        return Decision(action=ServiceAction.RESTART, reason=reason)
    if container.state is State.PAUSED:
        return Decision(action=ServiceAction.UNPAUSE, reason="it is paused")
    return KEEP


def _lost_its_network(service: Service, container: Container, context: DiffContext) -> str:
    """Return why a sidecar must be recreated: its network namespace ended with the owner's container."""
    owner = context.snapshot.containers.get(service.shares)
    if owner is None:
        return ""
    if context.decisions.get(service.shares, KEEP).action in (ServiceAction.START, ServiceAction.RESTART):
        return f"it shares the network of {service.shares}, which is being started"
    return f"{service.shares}, whose network it shares, was started after it" if outlived(container, owner) else ""


def outlived(sidecar: Container, owner: Container) -> bool:
    """Return whether the owner was started after the container that shares its network."""
    return 0.0 < sidecar.started_at < owner.started_at


def ended(container: Container) -> str:
    """Return why an exited container does not run, in words."""
    if container.out_of_memory:
        return "it ran out of memory"
    if container.error:
        return f"it failed to start: {container.error}"
    # A server without a handler for its stop signal exits with 143.
    return f"it exited with code {container.exit_code}" if container.exit_code not in (0, 143) else "it is stopped"
