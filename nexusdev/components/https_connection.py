"""HTTPS requests to a server of the instance: verified by the instance's CA and the server's own name, with nexusdev's client certificate."""

from __future__ import annotations

import json
import select
import ssl
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from typing import Any

from msgspec import Struct, field

from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.wire import tls


class Response(Struct, frozen=True, kw_only=True):
    """The response of a server. ``headers`` have lower-case names."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ``ValueError`` when it is none."""
        return json.loads(self.body)


class HttpsConnection:
    """A connection for several requests, one after the other. Opened by the first request, and again if the server closed it.

    Args:
        address: The server, seen from the host.
        access: The instance, whose CA must have signed the certificate.
        timeout: Seconds for each of connecting, handshake and reply.
        name: The name in the server's certificate; '' for the host of the address.
    """

    def __init__(self, address: Address, *, access: InstanceAccess, timeout: float = 2.0, name: str = "") -> None:
        self._address = address
        self._connection = _connection(address, access, timeout, name or address.host)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send one request and read the whole reply, whatever its status.

        Args:
            method: The HTTP method.
            path: Path and query, quoted.
            body: The content; None for no body.
            headers: More headers.
            timeout: Seconds, for this and later requests; None keeps the present timeout.

        Raises:
            OSError: There is no reply, or the certificate is not trusted (``ssl.SSLError``).
        """
        from http.client import HTTPException

        if timeout is not None and self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        try:
            self._connection.request(method, path, body=body, headers=dict(headers or {}))
            reply = self._connection.getresponse()
            found = {key.lower(): value for key, value in reply.getheaders()}
            return Response(status=reply.status, body=reply.read(), headers=found)
        except HTTPException as error:
            raise ConnectionError(f"{self._address} does not speak HTTP: {error!r}") from error

    def get(self, path: str) -> Response:
        """``request`` with the method GET."""
        return self.request("GET", path)

    def is_open(self) -> bool:
        """Whether the server has not closed the connection since the last reply, as far as is known here."""
        stream = self._connection.sock
        return stream is not None and not select.select([stream], [], [], 0)[0]

    def close(self) -> None:
        self._connection.close()


def connect(
    address: Address, *, access: InstanceAccess, timeout: float = 2.0, name: str = ""
) -> AbstractContextManager[HttpsConnection]:
    """A ``HttpsConnection`` until the end of the context: a handshake costs both sides more than most answers."""
    return closing(HttpsConnection(address, access=access, timeout=timeout, name=name))


def get(address: Address, path: str, *, access: InstanceAccess, timeout: float = 2.0, name: str = "") -> Response:
    """``request`` with the method GET."""
    return request("GET", address, path, access=access, timeout=timeout, name=name)


def request(
    method: str,
    address: Address,
    path: str,
    *,
    access: InstanceAccess,
    timeout: float = 2.0,
    name: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """``HttpsConnection.request`` over a connection of its own."""
    with connect(address, access=access, timeout=timeout, name=name) as connection:
        return connection.request(method, path, body=body, headers=headers)


def context(access: InstanceAccess) -> ssl.SSLContext:
    """TLS that trusts the instance's CA alone and shows nexusdev's client certificate. Made once per access and set of files."""
    files = (access.ca_file, access.client_certificate, access.client_key)
    written = tuple(file.stat().st_mtime_ns for file in files)
    return access.memo.get(("tls", written), lambda: tls.trust(*files))


def _connection(address: Address, access: InstanceAccess, timeout: float, name: str) -> Any:
    """A connection to the address whose handshake asks for, and checks, another name."""
    from http.client import HTTPSConnection

    class Named(HTTPSConnection):
        def connect(self) -> None:
            self.sock = tls.connected(address, context(access), name=name, timeout=timeout)

    # passed here too: otherwise HTTPSConnection would load all CAs of the system, 25 ms each time
    return Named(address.host, address.port, timeout=timeout, context=context(access))
