"""The engine's refusals in our words: a taken port, a taken name, an image or a file that is not there, an overlapping subnet."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nexusdev.errors import (
    IdentityMismatch,
    ImageUnavailable,
    InvalidState,
    NexusError,
    NotFound,
    PortInUse,
    PreflightFailed,
)
from nexusdev.runtimes.docker_observe import plain_names, subnet_of

Json = Mapping[str, Any]
_PORT = re.compile(r"(?:127\.0\.0\.1|0\.0\.0\.0|\[?::\d?\]?):(\d+)")
_IN_USE = ("port is already allocated", "address already in use", "ports are not available")


def port_in_words(words: str) -> int:
    """The port that the engine could not publish, or 0 when that is not what it complains of."""
    if not any(phrase in words for phrase in _IN_USE):
        return 0
    found = _PORT.search(words)
    return int(found[1]) if found else 0


def port_in_use(service: str, port: int, listed: Iterable[Json], proc: Path = Path("/proc")) -> PortInUse:
    """``listed``: all containers of the engine."""
    holder = _container_with(port, listed) or _process_with(port, proc)
    return PortInUse(
        f"port {port}, which {service} needs, is in use",
        why=f"it belongs to {holder}" if holder else "by whom cannot be seen from here",
        hint=f"stop it, then: nexusdev up    or see who has it: sudo ss -ltnp 'sport = :{port}'",
        evidence=[f"127.0.0.1:{port}"],
    )


def _container_with(port: int, listed: Iterable[Json]) -> str:
    for each in listed:
        if any(binding.get("PublicPort") == port for binding in each.get("Ports") or ()):
            return f"container {next(iter(plain_names(each)), each['Id'][:12])} (image {each.get('Image', 'unknown')})"
    return ""


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
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _read(proc / "net" / table).splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
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
    """Why a container could not be created, or None when it is nothing special."""
    if "No such image" in words or "image not known" in words:
        return ImageUnavailable(f"the image {image} of {service} is not there", why=words, hint="nexusdev images build")
    if "bind source path does not exist" in words:
        missing = words.rpartition(": ")[2]
        return InvalidState(
            f"{missing}, which {service} needs, does not exist",
            why="a file of the instance's state was removed",
            hint="nexusdev up",
        )
    return None


def name_taken(name: str, service: str, image: str) -> IdentityMismatch:
    return IdentityMismatch(
        f"a container that is not ours has the name that {service} needs: {name}",
        why=f"it was made from {image or 'an unknown image'}, without this instance's labels; nexusdev never touches it",
        hint=f"docker rm {name}    or: docker rename {name} NEW; then nexusdev up again",
        code="FOREIGN_CONTAINER",
    )


def not_ours(kind: str, name: str) -> IdentityMismatch:
    return IdentityMismatch(
        f"the {kind} {name} exists and is not this instance's",
        why="it has not our labels: plain docker compose or another tool made it; nexusdev never touches it",
        hint=f"docker {kind} inspect {name}    look at it; remove it or keep it under another name",
        code=f"FOREIGN_{kind.upper()}",
    )


def subnet_taken(subnet: str, networks: Callable[[], Iterable[Json]]) -> PreflightFailed:
    mine = ipaddress.ip_network(subnet)
    others = [f"{each['Name']} ({subnet_of(each)})" for each in networks() if _overlaps(mine, subnet_of(each))]
    return PreflightFailed(
        f"the addresses {subnet} are taken",
        why=f"by the network {', '.join(others)}" if others else "by an interface or a route of this machine",
        hint="docker network ls    remove the other network, or: nexusdev up --move-ports",
        code="SUBNET_IN_USE",
    )


def _overlaps(mine: ipaddress.IPv4Network | ipaddress.IPv6Network, other: str) -> bool:
    theirs = ipaddress.ip_network(other) if other else None
    return theirs is not None and theirs.version == mine.version and mine.overlaps(theirs)


def no_container(service: str) -> NotFound:
    return NotFound(
        f"{service} has no running container",
        why="it never started, was stopped, or ended",
        hint="nexusdev status    then: nexusdev up",
    )
