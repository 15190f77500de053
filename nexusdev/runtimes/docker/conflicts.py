"""Parses the engine's conflict errors and finds who uses a port or subnet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nexusdev.errors import NexusError
from nexusdev.runtimes import failures
from nexusdev.runtimes.docker.observe import plain_names, subnet_of

Json = Mapping[str, Any]
_PORT = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|::\d?|\]):(\d+)")
_IN_USE = ("port is already allocated", "address already in use", "ports are not available")
# Docker's words for networks and volumes, then Podman's for both
_HELD = ("has active endpoints", "volume is in use", "being used")
_LISTENING = "0A"


def port_in_words(words: str) -> int:
    """The port that the engine could not publish, or 0 when that is not what it complains of."""
    found = _PORT.search(words) if any(phrase in words for phrase in _IN_USE) else None
    return int(found[1]) if found else 0


def is_in_use(words: str) -> bool:
    """Whether the engine would not remove a network or a volume because a container uses it."""
    return any(phrase in words for phrase in _HELD)


def holder_of(port: int, listed: Iterable[Json], proc: Path = Path("/proc")) -> str:
    """A container (of the engine's list) or a process, in words; '' when it cannot be seen."""
    for each in listed:
        if any(binding.get("PublicPort") == port for binding in each.get("Ports") or ()):
            return f"container {next(iter(plain_names(each)), each['Id'][:12])} (image {each.get('Image', 'unknown')})"
    return _process_with(port, proc)


def _process_with(port: int, proc: Path) -> str:
    """The process that listens, from /proc: on Linux, and as far as it may be read."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port, proc)}
    if not sockets:
        return ""
    for folder in proc.glob("[0-9]*"):
        if _has_one(folder / "fd", sockets):
            command = _read(folder / "cmdline").replace("\0", " ").strip()
            return f"process {folder.name} ({command[:120]})"
    return "a process of another user"


def _listening(port: int, proc: Path) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _read(proc / "net" / table).splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                found.add(inode)
    return found


def _has_one(folder: Path, sockets: set[str]) -> bool:
    try:
        return any(str(link.readlink()) in sockets for link in folder.iterdir())
    except OSError:
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


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
