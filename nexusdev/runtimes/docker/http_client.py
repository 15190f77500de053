"""Reads from the Engine API without the SDK, whose import takes longer than a whole ``up`` without work.

Methods have the names and results of the SDK's methods.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

_HERE = ("", "localhost", "127.0.0.1", "::1")


class EngineEndpoint(Struct, frozen=True, kw_only=True):
    """The address of the engine and its origin.

    Attributes:
        certificates: Folder with ca.pem, cert.pem and key.pem; None without TLS.
    """

    url: str
    origin: str
    certificates: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether ports that are published there are on this machine."""
        parts = urlsplit(self.url)
        return parts.scheme != "ssh" and (parts.hostname or "") in _HERE


class EngineAnswer(Exception):
    """The engine answered with an error status. Has the attributes of the SDK's APIError."""

    def __init__(self, status_code: int, explanation: str) -> None:
        super().__init__(explanation)
        self.status_code = status_code
        self.explanation = explanation


def open_socket(endpoint: EngineEndpoint, timeout: float | None = None) -> socket.socket:
    """Open a new connection.

    Args:
        endpoint: Where the engine listens.
        timeout: In seconds; None for no limit.

    Raises:
        OSError: The connection failed.
    """
    parts = urlsplit(endpoint.url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(parts.path)
        return connection
    plain = socket.create_connection((parts.hostname or "localhost", parts.port or 2375), timeout=10)
    plain.settimeout(timeout)
    if endpoint.certificates is None:
        return plain
    context = ssl.create_default_context(cafile=str(endpoint.certificates / "ca.pem"))
    context.load_cert_chain(endpoint.certificates / "cert.pem", endpoint.certificates / "key.pem")
    return context.wrap_socket(plain, server_hostname=parts.hostname)


class EventStream:
    """An iterator of JSON objects, one per line of the response. Raises EngineAnswer, OSError, HTTPException."""

    def __init__(
        self, asking: http.client.HTTPConnection, connection: socket.socket, reply: http.client.HTTPResponse
    ) -> None:
        self._asking = asking
        self._reply = reply
        self._connection = connection
        self._closed = False

    def __iter__(self) -> Iterator[Any]:
        try:
            while line := self._reply.readline():
                yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError):
            if not self._closed:
                raise

    def close(self) -> None:
        """Close the stream from any thread. The reader stops."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._asking.close()


class EngineHttpClient:
    """A client for queries. Thread-safe, because each request has its own connection. Raises EngineAnswer, OSError, HTTPException."""

    def __init__(self, endpoint: EngineEndpoint, *, version: str = "", timeout: float = 60) -> None:
        self._endpoint = endpoint
        self._prefix = f"/v{version}" if version else ""
        self._timeout = timeout

    def get(self, path: str, **parameters: str) -> Any:
        """Return the JSON of one response."""
        asking = http.client.HTTPConnection("localhost", timeout=self._timeout)
        asking.sock = open_socket(self._endpoint, self._timeout)
        try:
            query = f"?{urlencode(parameters)}" if parameters else ""
            asking.request("GET", f"{self._prefix}{path}{query}")
            reply = asking.getresponse()
            return _understood(reply.status, reply.read())
        finally:
            asking.close()

    def events(self, *, filters: Mapping[str, Any], since: str = "", until: str = "") -> EventStream:
        """Return the events from now on until ``close``, or the stored events between two times.

        Args:
            filters: As for the Engine API.
            since: Start, in seconds by the engine's clock; '' for now.
            until: End, in seconds by the engine's clock; '' for no end.
        """
        times = {name: value for name, value in (("since", since), ("until", until)) if value}
        asking = http.client.HTTPConnection("localhost")
        asking.sock = open_socket(self._endpoint)
        asking.request("GET", f"{self._prefix}/events?{urlencode({**_filters(filters), **times})}")
        return EventStream(asking, asking.sock, _granted(asking.getresponse()))

    def version(self) -> Any:
        return self.get("/version")

    def info(self) -> Any:
        return self.get("/info")

    def containers(self, *, all: bool = False, filters: Mapping[str, Any] | None = None) -> Any:  # noqa: A002 - the engine's name for it
        return self.get("/containers/json", all=str(int(all)), **_filters(filters))

    def images(self, *, filters: Mapping[str, Any] | None = None) -> Any:
        return self.get("/images/json", **_filters(filters))

    def networks(self, *, filters: Mapping[str, Any] | None = None) -> Any:
        return self.get("/networks", **_filters(filters))

    def volumes(self, *, filters: Mapping[str, Any] | None = None) -> Any:
        return self.get("/volumes", **_filters(filters))

    def inspect_container(self, container: str) -> Any:
        return self.get(f"/containers/{quote(container)}/json")

    def inspect_image(self, image: str) -> Any:
        return self.get(f"/images/{quote(image, safe='/:@')}/json")


def _filters(filters: Mapping[str, Any] | None) -> dict[str, str]:
    """Return ``{"label": "a=b"}`` or ``{"label": ["a", "b"]}`` in the engine's format."""
    if not filters:
        return {}
    lists: dict[str, Sequence[str]] = {
        key: [value] if isinstance(value, str) else list(value) for key, value in filters.items()
    }
    return {"filters": json.dumps(lists)}


def _granted(reply: http.client.HTTPResponse) -> http.client.HTTPResponse:
    if reply.status != http.client.OK:
        _understood(reply.status, reply.read())
    return reply


def _understood(status: int, body: bytes) -> Any:
    try:
        told = json.loads(body)
    except ValueError:
        told = {"message": body.decode(errors="replace").strip()}
    if status != http.client.OK:
        raise EngineAnswer(status, str(told.get("message", told) if isinstance(told, dict) else told))
    return told
