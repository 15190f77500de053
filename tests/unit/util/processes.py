"""A /proc in a folder: sockets that listen, and the processes that have them."""

from __future__ import annotations

from pathlib import Path

PORT = 21040
V4, V6 = "0100007F", "0" * 32


def proc(
    folder: Path, *, table: str = "tcp", host: str = V4, port: int = PORT, state: str = "0A", readable: bool = True
) -> Path:
    """A /proc with one socket on a port, which process 77 has open."""
    row = f"   0: {host}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n"
    (folder / "net").mkdir(parents=True, exist_ok=True)
    with (folder / "net" / table).open("a") as sockets:
        sockets.write(row if sockets.tell() else f"  sl  local_address rem_address\n{row}")
    (folder / "77" / "fd").mkdir(parents=True, exist_ok=True)
    (folder / "77" / "cmdline").write_text("nginx\0-g\0daemon off;\0")
    if readable:
        (folder / "77" / "fd" / "3").symlink_to("socket:[4711]")
    return folder


def with_proxy(
    folder: Path,
    *,
    pid: int = 78,
    parent: str = "systemd",
    protocol: str = "tcp",
    host: str = "127.0.0.1",
    port: int = PORT,
    listening: int | None = None,
) -> Path:
    """A /proc in which a process of another user is the docker-proxy of a port.

    Args:
        folder: The folder.
        pid: The process.
        parent: The name of its parent; '' for one outside of this container.
        protocol: In its arguments, like ``host`` and ``port``.
        host: The address of the host.
        port: The port of the host.
        listening: The port of the socket; None for the same.
    """
    proc(folder, port=port if listening is None else listening, readable=False)
    words = ["/usr/bin/docker-proxy", "-proto", protocol, "-host-ip", host, "-host-port", str(port), "-use-listen-fd"]
    own = folder / str(pid)
    own.mkdir()
    (own / "cmdline").write_text("\0".join(words) + "\0")
    (own / "status").write_text(f"Name:\tdocker-proxy\nPid:\t{pid}\nPPid:\t{1 if parent else 0}\n")
    if parent:
        (folder / "1").mkdir(exist_ok=True)
        (folder / "1" / "comm").write_text(f"{parent}\n")
    return folder
