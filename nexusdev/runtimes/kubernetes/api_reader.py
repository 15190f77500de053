"""Reads lists from the API server over one connection, without a process for each: an observation is made every two seconds.

It understands the kubeconfigs that need no other program: a client certificate or a token. For all others kubectl reads. A process of
kubectl takes 60 to 110 ms of a processor, a request here a few.
"""

from __future__ import annotations

import http.client
import json
import ssl
import tempfile
import threading
from base64 import b64decode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

from nexusdev.errors import NexusError, NotFound, PreflightFailed
from nexusdev.runtimes.kubernetes import kubectl_errors
from nexusdev.runtimes.kubernetes.kubectl import Kubectl

_TIMEOUT = 30.0
_JSON = "application/json"
#: Objects without their content.
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


class Access(Struct, frozen=True, kw_only=True):
    """How an API server is reached.

    Attributes:
        host: Its host name.
        port: Its port.
        prefix: What its paths begin with.
        context: The TLS context, with the client certificate.
        token: The bearer token; '' for none.
    """

    host: str
    port: int
    prefix: str
    context: ssl.SSLContext
    token: str = ""


class ApiReader:
    """Gets paths of an API server. Thread-safe: one request at a time."""

    def __init__(self, access: Access, name: str) -> None:
        """Remember where the API server is.

        Args:
            access: How it is reached.
            name: The context of the kubeconfig, for errors.
        """
        self._access = access
        self._name = name
        self._guard = threading.Lock()
        self._connection: http.client.HTTPSConnection | None = None

    def get(self, path: str, *, accept: str = _JSON) -> Any:
        """Return the decoded answer to a GET.

        Args:
            path: The path with its query.
            accept: The media types.

        Raises:
            NotFound: There is no such object.
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        return json.loads(self.read(path, accept=accept))

    def read(self, path: str, *, accept: str = "*/*") -> bytes:
        """Return the answer to a GET as it is, such as a log. Arguments and errors are those of ``get``."""
        with self._guard:
            try:
                status, body = self._asked(path, accept)
            except (OSError, http.client.HTTPException) as error:
                self._close()
                words = f"Unable to connect to the server: {error or type(error).__name__}"
                raise kubectl_errors.translated(words, self._name) from error
        if status == HTTPStatus.OK:
            return body
        raise _refused(status, body, self._name)

    def _asked(self, path: str, accept: str) -> tuple[int, bytes]:
        """Ask, over the connection that is open, or over a new one if the server has closed it meanwhile."""
        if self._connection is not None:
            try:
                return self._ask(self._connection, path, accept)
            except (OSError, http.client.HTTPException):
                self._close()
        access = self._access
        self._connection = http.client.HTTPSConnection(
            access.host, access.port, timeout=_TIMEOUT, context=access.context
        )
        return self._ask(self._connection, path, accept)

    def _ask(self, connection: http.client.HTTPSConnection, path: str, accept: str) -> tuple[int, bytes]:
        headers = {"Accept": accept}
        if self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        connection.request("GET", f"{self._access.prefix}{path}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def reader_of(kubectl: Kubectl) -> ApiReader | None:
    """Return a reader for the cluster of kubectl; None if only kubectl can log in there.

    Raises:
        PreflightFailed: There is no kubectl, or the context does not exist.
    """
    told = kubectl.run("config", "view", "--minify", "--flatten", "--raw", "--output", "json")
    access = access_of(json.loads(told))
    return ApiReader(access, kubectl.context) if access else None


def access_of(kubeconfig: Mapping[str, Any]) -> Access | None:
    """Return how a flattened kubeconfig with one context reaches its API server; None if this needs another program, or a proxy.

    Args:
        kubeconfig: Its content; certificates are part of it, as base64.
    """
    cluster = kubeconfig["clusters"][0]["cluster"]
    user = (kubeconfig.get("users") or [{}])[0].get("user") or {}
    has_certificate = "client-certificate-data" in user and "client-key-data" in user
    server = urlsplit(cluster["server"])
    if not (has_certificate or user.get("token")) or "proxy-url" in cluster or "as" in user or server.scheme != "https":
        return None
    if "certificate-authority-data" not in cluster or "tls-server-name" in cluster or _has_proxy(server.hostname or ""):
        return None
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
    if has_certificate:
        _load_certificate(context, user)
    return Access(
        host=server.hostname or "",
        port=server.port or http.client.HTTPS_PORT,
        prefix=server.path.rstrip("/"),
        context=context,
        token="" if has_certificate else user["token"],
    )


def _has_proxy(host: str) -> bool:
    return "https" in getproxies() and not proxy_bypass(host)


def _load_certificate(context: ssl.SSLContext, user: Mapping[str, str]) -> None:
    """Load a client certificate. The standard library reads it from a file alone, which only this user can read and which is gone at once."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(_decoded(user["client-certificate-data"]) + "\n" + _decoded(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)


def _decoded(text: str) -> str:
    return b64decode(text).decode()


def _refused(status: int, body: bytes, name: str) -> NexusError:
    try:
        words = str(json.loads(body).get("message", ""))
    except ValueError:
        words = body.decode(errors="replace")
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(words)
    if status == HTTPStatus.UNAUTHORIZED:
        return kubectl_errors.translated("error: You must be logged in to the server (Unauthorized)", name)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        return kubectl_errors.translated(f"Error from server (ServiceUnavailable): {words}", name)
    error = kubectl_errors.translated(words, name)
    return error if isinstance(error, PreflightFailed) else PreflightFailed(words)
