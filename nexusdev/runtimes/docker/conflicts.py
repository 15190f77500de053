"""Parses the engine's conflict errors and finds who uses a port or subnet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from nexusdev.errors import NexusError
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker.observe import Json, plain_names, subnet_of
from nexusdev.util import port_holders

_PORT = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|::\d?|\]):(\d+)")
_IN_USE = ("port is already allocated", "address already in use", "ports are not available")
# Docker's messages for networks and volumes, then Podman's for both
_HELD = ("has active endpoints", "volume is in use", "being used")
# the same for a missing image
_NO_IMAGE = re.compile(r"(?:(\S+): )?(?:No such image|image not known)(?:: (\S+))?")


def port_in_words(words: str) -> int:
    """Return the port that the engine could not publish; 0 if its message is about something else."""
    found = _PORT.search(words) if any(phrase in words for phrase in _IN_USE) else None
    return int(found[1]) if found else 0


def missing_image(words: str) -> str | None:
    """Return the image that the engine does not have, '' if its message does not name it; None if the message is about something else."""
    found = _NO_IMAGE.search(words)
    return (found[2] or found[1] or "") if found else None


def is_in_use(words: str) -> bool:
    """Return whether the engine refused to remove a network or a volume because a container uses it."""
    return any(phrase in words for phrase in _HELD)


def holder_of(port: int, listed: Iterable[Json]) -> str:
    """Return the user of a port, in the wording of util.port_holders. ``listed``: the engine's list of running containers."""
    return port_holders.holder_of(port, publishers(listed))


def ending_orphans(port: int, listed: Iterable[Json]) -> str:
    """Return the command that ends a docker-proxy whose engine was killed; see util.port_holders."""
    return port_holders.ending_orphans([port], publishers(listed))


def publishers(listed: Iterable[Json]) -> Mapping[int, str]:
    """Return host port → the listed container that publishes it: ``web (image nginx:1)``."""
    return {
        binding[
            "PublicPort"
        ]: f"{next(iter(plain_names(each)), each['Id'][:12])} (image {each.get('Image', 'unknown')})"
        for each in listed
        for binding in each.get("Ports") or ()
        if binding.get("PublicPort")
    }


def creation_refused(words: str, *, service: str, image: str) -> NexusError | None:
    """Return the error for a container that could not be created or started; None if the message has no special cause.

    Args:
        words: The engine's message.
        service: The service of the container.
        image: The reference of its image; '' for the one that the message names.
    """
    if (missing := missing_image(words)) is not None:
        return shared_errors.image_missing(service, image or missing)
    if "bind source path does not exist" in words:
        return shared_errors.file_missing(service, words.rpartition(": ")[2])
    return None


def overlapping(subnet: str, networks: Iterable[Json]) -> list[str]:
    """Return descriptions of the listed networks whose addresses overlap with ``subnet``."""
    mine = ipaddress.IPv4Network(subnet)
    others = ((each["Name"], subnet_of(each)) for each in networks)
    return [
        f"{name} ({other})"
        for name, other in others
        if other and ":" not in other and mine.overlaps(ipaddress.IPv4Network(other, strict=False))
    ]
