"""GET, once: for the proof of ``nexusdev env``. Everybody else has ``components.https_connection``; importing http.client costs 18 ms."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from nexusdev.wire import ServerError, tls


def get(
    place: tls.Place, path: str, *, context: ssl.SSLContext, headers: Mapping[str, str], timeout: float = 2.0
) -> str:
    """The body of a 200; ``ServerError`` for any other. HTTP/1.0: the reply ends with the connection and is never chunked."""
    lines = [f"GET {path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    with tls.connected(place, context, timeout=timeout) as secure, secure.makefile("rb") as replies:
        secure.sendall("\r\n".join((*lines, "", "")).encode())
        head, _, body = replies.read().partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode("latin-1")
    if " 200 " not in f"{status} ":
        raise ServerError(status or "the connection was closed")
    return body.decode()
