"""Finds who uses a port of this machine: a container, or a process as far as ``/proc`` (Linux) shows it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

_LISTEN = "0A"
#: Listen addresses that receive connections to this machine's loopback: 127.0.0.1, 0.0.0.0, ::, ::1, ::ffff:127.0.0.1
_LOCAL = ("0100007F", "00000000", "0" * 32, "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
_LONGEST = 60


def holder_of(port: int, containers: Mapping[int, str], proc: Path = Path("/proc")) -> str:
    """Describe who uses a port on loopback.

    Args:
        port: The port of the host.
        containers: Host port to the container that publishes it.
        proc: Where the kernel's process files are.

    Returns:
        ``container web (image nginx:1)``, ``python3 -m http.server (pid 4711)``, ``a process of another user``, or
        ``an unknown process``.
    """
    if container := containers.get(port):
        return f"container {container}"
    inodes = set(_listening_inodes(port, proc))
    if not inodes:
        return "an unknown process"
    for pid in _processes_with(inodes, proc):
        return f"{_command(pid, proc)} (pid {pid})"
    return "a process of another user"


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
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "a process"
    text = b" ".join(words).decode("utf-8", "replace")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
