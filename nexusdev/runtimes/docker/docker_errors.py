"""Errors that a Docker engine causes, with hints that name ``docker`` commands."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.errors import IdentityMismatch, NotFound, PreflightFailed, RuntimeRefused, TeardownIncomplete
from nexusdev.runtimes.docker.plan.ownership import came_between
from nexusdev.runtimes.docker.plan.snapshot import NetworkState, Volume


def name_taken(name: str, service: str, image: str) -> IdentityMismatch:
    """Return the error for a container name in use by a container of another owner."""
    return IdentityMismatch(
        f"the container name for {service} is in use: {name}",
        why=f"a container of {image or 'an unknown image'} without this instance's labels has it; nexusdev does not touch foreign containers",
        hint=f"docker rm {name}    or: docker rename {name} NEW; then nexusdev up again",
        code="FOREIGN_CONTAINER",
    )


def not_ours(kind: str, name: str) -> IdentityMismatch:
    """Return the error for a resource of another owner. ``kind``: network or volume."""
    return IdentityMismatch(
        f"{kind} {name} already exists and does not belong to this instance",
        why="it has no nexusdev labels; docker compose or another tool created it, and nexusdev does not touch it",
        hint=f"docker {kind} inspect {name}    inspect it, then remove or rename it",
        code=f"FOREIGN_{kind.upper()}",
    )


def subnet_taken(subnet: str, others: Sequence[str]) -> PreflightFailed:
    """Return the error for a subnet in use.

    Args:
        subnet: The subnet, in CIDR notation.
        others: Descriptions of the overlapping networks; empty if it is an interface or a route of the machine.
    """
    return PreflightFailed(
        f"subnet {subnet} is in use",
        why=f"it overlaps with network {', '.join(others)}"
        if others
        else "it overlaps with an interface or route of this machine",
        hint="nexusdev up   take another subnet; all data is kept",
        code="SUBNET_IN_USE",
    )


def network_gone(service: str) -> NotFound:
    """Return the error for a stopped service whose network was removed."""
    return NotFound(
        f"the network of {service} is missing",
        why="it was removed while the containers were stopped, as docker network prune and docker system prune do",
        hint="nexusdev up   create it again, with new containers; all data is kept",
        code="NETWORK_MISSING",
    )


def network_in_use(name: str, strangers: Sequence[str]) -> TeardownIncomplete:
    """Return the error for a network in use. ``strangers``: other containers attached to it; empty if they cannot be listed."""
    return came_between(NetworkState(id="", full_name=name, subnet="", strangers=tuple(strangers)))


def volume_in_use(name: str, strangers: Sequence[str]) -> TeardownIncomplete:
    """Return the error for a volume in use. ``strangers``: other containers that mount it; empty if they cannot be listed."""
    return came_between(Volume(name=name, full_name=name, strangers=tuple(strangers)))


def refused(words: str) -> RuntimeRefused:
    """Return the error for any other refusal of the engine."""
    first = words.splitlines()[0] if words else "no reason given"
    return RuntimeRefused(f"the engine refused: {first}", hint="nexusdev doctor", evidence=[words])
