"""Finds who uses a port of this machine: a container, or a process as far as ``/proc`` (Linux) shows it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

_LISTEN = "0A"
#: Listen addresses that receive connections to this machine's loopback: 127.0.0.1, 0.0.0.0, ::, ::1, ::ffff:127.0.0.1
_LOCAL = ("0100007F", "00000000", "0" * 32, "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
_LONGEST = 60
#: Docker's process for one published port, whose arguments name it, and how the processes that start it are called (at most 15 characters).
_PROXY, _ENGINES = "docker-proxy", ("dockerd", "docker", "rootlesskit", "rootlesskit-doc")
#: Host addresses in its arguments that receive connections to loopback.
_LOCAL_ARGUMENTS = ("127.0.0.1", "0.0.0.0", "::", "::1")  # noqa: S104 - compared, not listened on


def holder_of(port: int, containers: Mapping[int, str], proc: Path = Path("/proc")) -> str:
    """Describe who uses a port on loopback.

    Args:
        port: The port of the host.
        containers: Host port to the container that publishes it.
        proc: Where the kernel's process files are.

    Returns:
        ``container web (image nginx:1)``, ``docker-proxy left behind by a dockerd that was killed (pid 4711)``,
        ``python3 -m http.server (pid 4711)``, ``a process of another user``, or ``an unknown process``.
    """
    if container := containers.get(port):
        return f"container {container}"
    inodes = set(_listening_inodes(port, proc))
    if not inodes:
        return "an unknown process"
    for pid in _orphans(port, proc):
        return f"{_PROXY} left behind by a dockerd that was killed (pid {pid})"
    for pid in _processes_with(inodes, proc):
        return f"{_command(pid, proc)} (pid {pid})"
    return "a process of another user"


def ending_orphans(ports: Iterable[int], containers: Mapping[int, str], proc: Path = Path("/proc")) -> str:
    """Return the command that ends what a dockerd that was killed left behind on these ports; '' for nothing.

    Args:
        ports: Ports of the host, in use.
        containers: Host port to the container that publishes it.
        proc: Where the kernel's process files are.

    Returns:
        ``sudo kill 4711 4712``, without ``sudo`` if all processes belong to this user.
    """
    unknown = [port for port in ports if port not in containers and any(_listening_inodes(port, proc))]
    pids = sorted({pid for port in unknown for pid in _orphans(port, proc)})
    if not pids:
        return ""
    ours = all(_owner(pid, proc) == os.geteuid() for pid in pids)
    return f"{'' if ours else 'sudo '}kill {' '.join(map(str, pids))}"


def _orphans(port: int, proc: Path) -> Iterator[int]:
    """Yield the docker-proxy processes of a port whose engine is gone: their parent is no engine any more.

    Another engine of this machine, whose containers are unknown here, is the parent of its own. Arguments may be read without being root.
    """
    for folder in proc.glob("[0-9]*"):
        words = _words(folder)
        if Path(words[0]).name != _PROXY:
            continue
        option = dict(pairwise(words))
        ours = option.get("-proto") == "tcp" and option.get("-host-ip") in _LOCAL_ARGUMENTS
        if ours and option.get("-host-port") == str(port) and _parent(folder, proc) not in ("", *_ENGINES):
            yield int(folder.name)


def _parent(folder: Path, proc: Path) -> str:
    """Return the name of the parent of a process; '' if it is unknown, outside of this container for example."""
    try:
        lines = (folder / "status").read_text().splitlines()
        pid = next(line.split()[1] for line in lines if line.startswith("PPid:"))
        return (proc / pid / "comm").read_text().strip()
    except (OSError, StopIteration):
        return ""


def _owner(pid: int, proc: Path) -> int:
    try:
        return (proc / str(pid)).stat().st_uid
    except OSError:
        return 0


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    """Yield the inodes of the sockets that listen on the port, from /proc/net/tcp and tcp6."""
    wanted = f"{port:04X}"
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            host, _, number = fields[1].rpartition(":")
            if number == wanted and fields[3] == _LISTEN and host in _LOCAL:
                yield fields[9]


def _processes_with(inodes: set[str], proc: Path) -> Iterator[int]:
    """Yield the processes that have one of the sockets open, of those whose files may be read."""
    links = {f"socket:[{inode}]" for inode in inodes}
    for folder in proc.glob("[0-9]*"):
        if not links.isdisjoint(_open_files(folder / "fd")):
            yield int(folder.name)


def _open_files(descriptors: Path) -> Iterator[str]:
    """Yield what a process has open. A file that is closed meanwhile, such as this listing itself, is left out alone."""
    with contextlib.suppress(OSError):
        for link in descriptors.iterdir():
            with contextlib.suppress(OSError):
                yield str(link.readlink())


def _command(pid: int, proc: Path) -> str:
    text = " ".join(_words(proc / str(pid))) or "a process"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(folder: Path) -> list[str]:
    """Return the command line of a process; one empty word if it has ended."""
    try:
        return (folder / "cmdline").read_bytes().rstrip(b"\0").decode("utf-8", "replace").split("\0")
    except OSError:
        return [""]
