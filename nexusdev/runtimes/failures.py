"""Errors that every runtime raises."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.errors import (
    IdentityMismatch,
    ImageUnavailable,
    InvalidState,
    Locked,
    NotFound,
    PortInUse,
    PreflightFailed,
    TeardownIncomplete,
    UsageError,
)
from nexusdev.runtimes.docker.plan.ownership import came_between
from nexusdev.runtimes.docker.plan.snapshot import NetworkState, Volume


def port_in_use(service: str, port: int, holder: str) -> PortInUse:
    """``holder``: who uses the port, in the words of util.port_holders."""
    return PortInUse(
        f"port {port}, which {service} needs, is in use",
        why=f"it is used by {holder}",
        hint=f"sudo ss -ltnp 'sport = :{port}'    show the process, stop it, then run nexusdev up",
        evidence=[f"127.0.0.1:{port}"],
    )


def image_missing(service: str, image: str) -> ImageUnavailable:
    return ImageUnavailable(
        f"image {image} of {service} is missing",
        why="it is not in the engine",
        hint="nexusdev images build",
    )


def file_missing(service: str, path: str) -> InvalidState:
    return InvalidState(
        f"{path}, which {service} needs, does not exist", why="a file of the instance was deleted", hint="nexusdev up"
    )


def name_taken(name: str, service: str, image: str) -> IdentityMismatch:
    return IdentityMismatch(
        f"the container name for {service} is in use: {name}",
        why=f"a container of {image or 'an unknown image'} without this instance's labels has it; nexusdev does not touch foreign containers",
        hint=f"docker rm {name}    or: docker rename {name} NEW; then nexusdev up again",
        code="FOREIGN_CONTAINER",
    )


def not_ours(kind: str, name: str) -> IdentityMismatch:
    """``kind``: network or volume."""
    return IdentityMismatch(
        f"{kind} {name} already exists and does not belong to this instance",
        why="it has no nexusdev labels; docker compose or another tool created it, and nexusdev does not touch it",
        hint=f"docker {kind} inspect {name}    inspect it, then remove or rename it",
        code=f"FOREIGN_{kind.upper()}",
    )


def subnet_taken(subnet: str, others: Sequence[str]) -> PreflightFailed:
    """``others``: the networks that overlap, as words; none when it is an interface or a route of the machine."""
    return PreflightFailed(
        f"subnet {subnet} is in use",
        why=f"it overlaps with network {', '.join(others)}"
        if others
        else "it overlaps with an interface or route of this machine",
        hint="docker network ls    find and remove the other network, then run nexusdev up",
        code="SUBNET_IN_USE",
    )


def network_in_use(name: str, strangers: Sequence[str]) -> TeardownIncomplete:
    """``strangers``: the containers of others on it; none where they cannot be seen."""
    return came_between(NetworkState(id="", full_name=name, subnet="", strangers=tuple(strangers)))


def volume_in_use(name: str, strangers: Sequence[str]) -> TeardownIncomplete:
    """``strangers``: the containers of others that have it mounted; none where they cannot be seen."""
    return came_between(Volume(name=name, full_name=name, strangers=tuple(strangers)))


def refused(words: str) -> PreflightFailed:
    """Anything else that an engine would not do."""
    first = words.splitlines()[0] if words else "no reason given"
    return PreflightFailed(
        f"the engine refused: {first}", hint="nexusdev doctor", evidence=[words], code="ENGINE_REFUSED"
    )


def no_volume(name: str) -> NotFound:
    return NotFound(f"there is no volume {name}", hint="nexusdev up   makes the volumes of the stack")


def volume_has_users(name: str, services: Sequence[str]) -> Locked:
    """``services``: those that run and have it mounted."""
    return Locked(
        f"volume {name} is in use",
        why=f"{', '.join(services)} {'has' if len(services) == 1 else 'have'} it mounted; what is imported would be mixed with what is written",
        hint="nexusdev stop    then import again",
        code="VOLUME_IN_USE",
    )


def shares_network(service: str, owner: str) -> UsageError:
    return UsageError(
        f"{service} cannot be partitioned alone",
        why=f"it shares the network of {owner}",
        hint=f"partition {owner}: both are cut off",
    )


def no_container(service: str) -> NotFound:
    return NotFound(
        f"{service} has no running container",
        why="it was never started, was stopped, or exited",
        hint="nexusdev status    then: nexusdev up",
    )
