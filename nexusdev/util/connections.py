"""Finds the processes of this machine that are connected to ports of loopback, as far as ``/proc`` (Linux) shows it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

_ESTABLISHED = "01"
_LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
_LONGEST = 60


def clients_of(ports: Collection[int], proc: Path = Path("/proc"), *, own: int = 0) -> tuple[str, ...]:
    """Describe who has connections to ports of loopback.

    Args:
        ports: Ports of this machine.
        proc: Where the kernel's process files are.
        own: The process that does not count; 0 for this one.

    Returns:
        ``python3 app.py (pid 4711): 3 connections``, one line per process; the connections of processes that may not be looked at count
        together. Empty without ``/proc``.
    """
    open_sockets = set(_connected(ports, proc))
    found = []
    mine = str(own or os.getpid())
    for pid, sockets in _sockets(proc):
        theirs = open_sockets & sockets
        open_sockets -= theirs
        if theirs and pid != mine:
            found.append(f"{_words(pid, proc)} (pid {pid}): {_counted(len(theirs))}")
    if open_sockets:
        found.append(f"processes of other users: {_counted(len(open_sockets))}")
    return tuple(found)


def _counted(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"


def _connected(ports: Collection[int], proc: Path) -> Iterator[str]:
    """Yield the inodes of the clients' ends of connections to these ports."""
    wanted = {f"{port:04X}" for port in ports}
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            host, _, port = fields[2].rpartition(":")
            if fields[3] == _ESTABLISHED and port in wanted and host in _LOOPBACK:
                yield fields[9]


def _sockets(proc: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each process whose files may be read, with the inodes of its sockets."""
    for folder in proc.glob("[0-9]*"):
        found = set()
        with contextlib.suppress(OSError):
            for link in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(link.readlink())
                    if target.startswith("socket:["):
                        found.add(target[8:-1])
        yield folder.name, found


def _words(pid: str, proc: Path) -> str:
    try:
        text = (proc / pid / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        text = ""
    text = text or "a process"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
