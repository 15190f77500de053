"""The block of 100 host ports of an instance: 21000 + 100·slot, below the range that outgoing connections use.

A block is allocated once, under a lock that all instances of this user share, and then kept, so that env files stay valid. It only
changes with ``up --move-ports``. Until its containers exist, other users see that it is in use by a claim.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from nexusdev.errors import PortInUse, PreflightFailed
from nexusdev.util.port_holders import ending_orphans, holder_of

SLOTS = range(117)
FIRST_PREFIX = 210


def prefix_of(slot: int) -> int:
    """Return the first three digits of the ports of a block: 210 for slot 0."""
    return FIRST_PREFIX + slot


def block_of(slot: int) -> range:
    """Return the 100 ports of a block."""
    return range(prefix_of(slot) * 100, prefix_of(slot) * 100 + 100)


def slot_of(port: int) -> int | None:
    """Return the slot whose block has this port; None for ports outside all blocks."""
    slot = port // 100 - FIRST_PREFIX
    return slot if slot in SLOTS else None


def choose_slot(used: Collection[int], busy: Callable[[int], bool]) -> int:
    """Return the lowest slot that no instance has and in whose block no port is in use."""
    for slot in SLOTS:
        if slot not in used and not any(busy(port) for port in block_of(slot)):
            return slot
    raise PreflightFailed(
        "no free block of 100 host ports",
        why=f"{len(used)} of {len(SLOTS)} blocks between 21000 and 32699 belong to instances; the others have ports in use",
        hint="nexusdev gc --data   remove orphaned instances with their data; lists them and asks first",
    )


def is_taken(port: int) -> bool:
    """Return whether a process listens on 127.0.0.1:port. Checked with a short bind, which works on every platform and in sandboxes."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False


def claim(slot: int) -> socket.socket | None:
    """Claim a block for this process, so that other users of this machine, whose allocations take another lock, choose another one.

    Args:
        slot: The block.

    Returns:
        A socket that listens on the last port of the block, which no service uses; closing it ends the claim. None if the port is in use.
    """
    claimed = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claimed.bind(("127.0.0.1", block_of(slot)[-1]))
        claimed.listen(1)
    except OSError:
        claimed.close()
        return None
    return claimed


def require_free(
    wanted: Iterable[int],
    *,
    ours: Collection[int] = (),
    published: Mapping[int, str] | None = None,
    taken: Callable[[int], bool] = is_taken,
    proc: Path = Path("/proc"),
) -> None:
    """Check that no other process uses one of the required ports.

    Args:
        wanted: Host ports.
        ours: Ports that running containers of this instance publish.
        published: Host port → container, for all running containers of the engine; None for none.
        taken: Returns whether a port is in use.
        proc: Where the kernel's process files are.

    Raises:
        PortInUse: A port is in use; the error says by which process, if known.
    """
    containers = published or {}
    conflicts = [port for port in sorted(set(wanted)) if port not in ours and taken(port)]
    if not conflicts:
        return
    holders = {port: holder_of(port, containers, proc) for port in conflicts}
    first = conflicts[0]
    end = ending_orphans(conflicts, containers, proc)
    raise PortInUse(
        f"port {first} is in use by {holders[first]}" + (f" (and {len(conflicts) - 1} more)" if conflicts[1:] else ""),
        why="the port is in this instance's port block, which is fixed so that env files stay valid",
        hint=(f"{end}   end what was left behind\n" if end else "")
        + "nexusdev up                after stopping it\nnexusdev up --move-ports   use another block (the env file changes)",
        evidence=[f"127.0.0.1:{port}  {who}" for port, who in holders.items()],
    )
