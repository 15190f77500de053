"""Connections to the servers of an instance: TLS with the instance's CA, a check of the server's name, and a timeout."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast


class HostPort(Protocol):
    """Where a server listens."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


Path = str | os.PathLike[str]


def trust(ca: Path, certificate: Path = "", key: Path = "") -> ssl.SSLContext:
    """Trusts this authority alone; shows a certificate of our own where one is given."""
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def connected(
    place: HostPort,
    context: ssl.SSLContext,
    *,
    name: str = "",
    timeout: float = 2.0,
    begin: Callable[[socket.socket], None] | None = None,
) -> ssl.SSLSocket:
    """Connect and verify the server. The caller closes the connection.

    Args:
        place: The server.
        context: Verifies the server's certificate.
        name: Name in the server's certificate; '' for the host of ``place``.
        timeout: Seconds for each of connecting, handshake and reply.
        begin: Talks to the server before TLS begins; None if nothing is needed.

    Returns:
        The connection.

    Raises:
        OSError: There is no server or no answer, or the certificate is not trusted. Also what ``begin`` raises.
    """
    # names as bytes: Python encodes text with IDNA, whose tables take 10 ms to import
    plain = socket.create_connection((cast(str, place.host.encode()), place.port), timeout)
    try:
        # without this a request waits 40 ms for the ACK of the handshake
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if begin:
            begin(plain)
        return context.wrap_socket(plain, server_hostname=(name or place.host).encode())
    except BaseException:
        plain.close()
        raise
