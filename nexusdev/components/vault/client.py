"""Vault's HTTP API: requests to one server with one token; errors carry Vault's own message.

API: https://developer.hashicorp.com/vault/api-docs
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.https_connection import HttpsConnection, Response
from nexusdev.components.vault.names import PORT, ROLE
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

Data = Mapping[str, Any]

OK, NO_CONTENT = 200, 204
BAD_REQUEST, FORBIDDEN, NOT_FOUND, SERVER_FAULT = 400, 403, 404, 500


class Query(Struct, frozen=True, kw_only=True):
    """One request to ``/v1/<path>`` of a server by its service or role name.

    Attributes:
        timeout: Seconds for each of connecting, handshake and reply.
        fresh: By a connection of its own: behind the gateway a kept one stays with a node that may not lead any more.
    """

    server: str
    method: str
    path: str
    body: Data | None = None
    token: str = ""
    timeout: float = 10.0
    fresh: bool = False


class Transport(Protocol):
    """Sends requests to the servers of one instance; tests use a Vault in memory."""

    def send(self, query: Query) -> Response:
        """The reply, whatever its status. Raises ``OSError`` when there is none."""


class VaultError(SeedingFailed):
    """Vault answered, but not with what was asked for. ``status`` is the HTTP status."""

    def __init__(self, what: str, response: Response) -> None:
        super().__init__(
            f"Vault rejected the request: {what}",
            why=f"HTTP {response.status}: {error_text(response)}",
            hint="nexusdev logs vault   show the servers' logs",
        )
        self.status = response.status

    @property
    def passing(self) -> bool:
        """Whether it may be otherwise in a moment: sealed, electing, joining."""
        return self.status >= SERVER_FAULT


class Api(Struct, frozen=True, kw_only=True):
    """One server, asked with one token."""

    transport: Transport
    server: str = ROLE
    token: str = ""
    timeout: float = 10.0

    def ask(self, method: str, path: str, body: Data | None = None, *, fresh: bool = False) -> Response:
        """Send one request and return the reply, whatever its status.

        Args:
            method: The HTTP method.
            path: The path below ``/v1/``.
            body: Sent as JSON; None for no body.
            fresh: Use a new connection: behind the gateway an open one stays with a node that may no longer be active.

        Raises:
            OSError: There is no reply.
        """
        query = Query(
            server=self.server,
            method=method,
            path=path,
            body=body,
            token=self.token,
            timeout=self.timeout,
            fresh=fresh,
        )
        return self.transport.send(query)

    def need(self, method: str, path: str, body: Data | None = None) -> dict[str, Any]:
        """Send a request that must succeed.

        Returns:
            The JSON document of the reply; {} if it has none.

        Raises:
            VaultError: The status is neither 200 nor 204.
            OSError: There is no reply.
        """
        response = self.ask(method, path, body)
        if response.status not in (OK, NO_CONTENT):
            raise VaultError(f"{method} {path} at {self.server}", response)
        return document(response)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read a path.

        Returns:
            Its ``data``; None if there is nothing.

        Raises:
            VaultError: The status is neither 200 nor 404.
            OSError: There is no reply.
        """
        response = self.ask("GET", path)
        if response.status == NOT_FOUND:
            return None
        if response.status != OK:
            raise VaultError(f"GET {path} at {self.server}", response)
        data = document(response).get("data")
        return data if isinstance(data, dict) else {}

    def with_token(self, token: str) -> Api:
        return replace(self, token=token)


class Connections:
    """Keeps one connection per server open, so that ten probes a second need no new handshakes."""

    def __init__(self, access: InstanceAccess) -> None:
        self._access = access
        self._open: dict[str, HttpsConnection] = {}
        self._guard = threading.Lock()

    def send(self, query: Query) -> Response:
        """One request. A kept connection that turns out to be dead is replaced once."""
        with self._guard:
            kept = None if query.fresh else self._open.pop(query.server, None)
        if kept is not None:
            try:
                return self._exchange(kept, query)
            except TimeoutError:
                raise
            except OSError:
                pass
        return self._exchange(self._connect(query), query)

    def _connect(self, query: Query) -> HttpsConnection:
        return HttpsConnection(self._access.address(query.server, PORT), access=self._access, timeout=query.timeout)

    def _exchange(self, connection: HttpsConnection, query: Query) -> Response:
        headers = {"X-Vault-Request": "true", **({"X-Vault-Token": query.token} if query.token else {})}
        content = None if query.body is None else json.dumps(query.body).encode()
        try:
            found = connection.request(
                query.method, f"/v1/{query.path}", body=content, headers=headers, timeout=query.timeout
            )
        except OSError:
            connection.close()
            raise
        self._keep(connection, query)
        return found

    def _keep(self, connection: HttpsConnection, query: Query) -> None:
        with self._guard:
            if query.fresh or query.server in self._open:
                connection.close()
            else:
                self._open[query.server] = connection


def document(response: Response) -> dict[str, Any]:
    """The body as a JSON object; {} where it is none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def error_text(response: Response) -> str:
    """Return Vault's error messages, joined."""
    errors = document(response).get("errors") or []
    return "; ".join(" ".join(str(error).split()) for error in errors) or "no error message"
