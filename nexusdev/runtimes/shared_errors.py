"""Errors that every runtime raises, worded for all of them. Errors of a single runtime are in its own package."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.errors import ImageUnavailable, InvalidState, Locked, NotFound, PortInUse, PreflightFailed, UsageError
from nexusdev.util.humanize import si


def port_in_use(service: str, port: int, holder: str, *, end: str = "") -> PortInUse:
    """Return the error for a host port in use.

    Args:
        service: The service that needs it.
        port: The port.
        holder: The user of the port, in the wording of util.port_holders.
        end: The command that ends what a runtime that was killed left behind there; '' if that is not the cause.
    """
    first = f"{end}   end it" if end else "nexusdev ports   show who uses it; stop that process"
    return PortInUse(
        f"port {port}, which {service} needs, is in use",
        why=f"it is used by {holder}",
        hint=f"{first}\nnexusdev up      try again",
        evidence=[f"127.0.0.1:{port}"],
    )


def image_missing(service: str, image: str) -> ImageUnavailable:
    """Return the error for an image that the runtime does not have, although it was there when the command began.

    Args:
        service: The service that needs it; '' if that is unknown.
        image: Its reference or id.
    """
    return ImageUnavailable(
        f"image {image} of {service} is missing" if service else f"image {image} is missing",
        why="it was removed from the runtime while the command needed it",
        hint="nexusdev up   pull or build it again",
    )


def file_missing(service: str, path: str) -> InvalidState:
    """Return the error for a deleted file of the instance."""
    return InvalidState(
        f"{path}, which {service} needs, does not exist", why="a file of the instance was deleted", hint="nexusdev up"
    )


def no_volume(name: str) -> NotFound:
    """Return the error for a volume that does not exist."""
    return NotFound(f"volume {name} does not exist", hint="nexusdev up   create the volumes of the stack")


def no_room_for_copy(needed: int, free: int) -> PreflightFailed:
    """Return the error for volumes that cannot be copied. ``needed``, ``free``: in bytes."""
    return PreflightFailed(
        "there is no room for a copy of the data volumes",
        why=f"{si(needed)}B are needed where the volumes are, and {si(free)}B are free",
        hint="nexusdev gc   remove what is not needed any more",
        code="DISK_FULL",
    )


def volume_has_users(name: str, services: Sequence[str]) -> Locked:
    """Return the error for a volume in use. ``services``: the running services that mount it."""
    return Locked(
        f"volume {name} is in use",
        why=f"{', '.join(services)} {'has' if len(services) == 1 else 'have'} it mounted; what is imported would be mixed with what is written",
        hint="nexusdev stop    then import again",
        code="VOLUME_IN_USE",
    )


def shares_network(service: str, owner: str) -> UsageError:
    """Return the error for a partition of a service that shares the network of another."""
    return UsageError(
        f"{service} cannot be partitioned alone",
        why=f"it shares the network of {owner}",
        hint=f"partition {owner}: both are cut off",
    )


def no_container(service: str) -> NotFound:
    """Return the error for a service without a running container."""
    return NotFound(
        f"{service} has no running container",
        why="it was never started, was stopped, or exited",
        hint="nexusdev status    then: nexusdev up",
    )
