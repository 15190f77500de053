"""Finds ports of this machine that listen on other addresses than loopback, as far as ``/proc`` (Linux) shows it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_LISTEN = "0A"
_LOOPBACK = ("00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def foreign_listeners(ports: Collection[int], proc: Path = Path("/proc")) -> tuple[str, ...] | None:
    """Return which of these ports accept connections from other machines: ``0.0.0.0:5432``.

    Args:
        ports: Ports of this machine.
        proc: Where the kernel's process files are.

    Returns:
        Addresses with port; None without ``/proc/net/tcp``.
    """
    found = []
    try:
        for name in ("tcp", "tcp6"):
            file = proc / "net" / name
            if name == "tcp6" and not file.exists():
                continue
            for line in file.read_text().splitlines()[1:]:
                words = line.split()
                address, _, port = words[1].rpartition(":")
                if words[3] == _LISTEN and int(port, 16) in ports and not _is_loopback(address):
                    found.append(f"{_words(address)}:{int(port, 16)}")
    except OSError:
        return None
    return tuple(sorted(set(found)))


def _is_loopback(address: str) -> bool:
    """IPv4 is in little-endian order: 127.0.0.1 is 0100007F."""
    return address in _LOOPBACK or (len(address) == 8 and address.endswith("7F"))  # noqa: PLR2004 - digits of IPv4


def _words(address: str) -> str:
    if len(address) == 8:  # noqa: PLR2004
        return ".".join(str(int(address[at : at + 2], 16)) for at in (6, 4, 2, 0))
    return "[::]" if not int(address, 16) else f"[{address.lower()}]"
