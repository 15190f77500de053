"""Parses the engine's conflict errors and finds who uses a port or subnet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from nexusdev.errors import NexusError
from nexusdev.runtimes import failures
from nexusdev.runtimes.docker.observe import Json, plain_names, subnet_of
from nexusdev.util import port_holders

_PORT = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|::\d?|\]):(\d+)")
_IN_USE = ("port is already allocated", "address already in use", "ports are not available")
# Docker's messages for networks and volumes, then Podman's for both
_HELD = ("has active endpoints", "volume is in use", "being used")


def port_in_words(words: str) -> int:
    """The port that the engine could not publish, or 0 when that is not what it complains of."""
    found = _PORT.search(words) if any(phrase in words for phrase in _IN_USE) else None
    return int(found[1]) if found else 0


def is_in_use(words: str) -> bool:
    """Whether the engine would not remove a network or a volume because a container uses it."""
    return any(phrase in words for phrase in _HELD)


def holder_of(port: int, listed: Iterable[Json]) -> str:
    """The user of a port, as util.port_holders words it. ``listed``: the engine's list of running containers."""
    return port_holders.holder_of(port, publishers(listed))


def publishers(listed: Iterable[Json]) -> Mapping[int, str]:
    """Host port → the listed container that publishes it: ``web (image nginx:1)``."""
    return {
        binding[
            "PublicPort"
        ]: f"{next(iter(plain_names(each)), each['Id'][:12])} (image {each.get('Image', 'unknown')})"
        for each in listed
        for binding in each.get("Ports") or ()
        if binding.get("PublicPort")
    }


def creation_refused(words: str, *, service: str, image: str) -> NexusError | None:
    """Why a container could not be created or started, or None when it is nothing special."""
    if "No such image" in words or "image not known" in words:
        return failures.image_missing(service, image)
    if "bind source path does not exist" in words:
        return failures.file_missing(service, words.rpartition(": ")[2])
    return None


def overlapping(subnet: str, networks: Iterable[Json]) -> list[str]:
    """The listed networks whose addresses overlap, in words."""
    mine = ipaddress.IPv4Network(subnet)
    others = ((each["Name"], subnet_of(each)) for each in networks)
    return [
        f"{name} ({other})"
        for name, other in others
        if other and ":" not in other and mine.overlaps(ipaddress.IPv4Network(other, strict=False))
    ]
