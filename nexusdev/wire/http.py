"""GET, once: for the proof of ``nexusdev env``. Everybody else has ``components.https_connection``; importing http.client costs 18 ms."""

from __future__ import annotations

import calendar
import ssl
import time
from collections.abc import Mapping

from nexusdev.wire import ClockSkew, ServerError, tls

_REFUSED = " 403 "
_SKEW = 300.0  # S3 allows 15 minutes


def get(
    place: tls.HostPort, path: str, *, context: ssl.SSLContext, headers: Mapping[str, str], timeout: float = 2.0
) -> str:
    """The body of a 200; ``ServerError`` for any other. HTTP/1.0: the reply ends with the connection and is never chunked."""
    lines = [f"GET {path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    with tls.connected(place, context, timeout=timeout) as secure, secure.makefile("rb") as replies:
        secure.sendall("\r\n".join((*lines, "", "")).encode())
        head, _, body = replies.read().partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode("latin-1")
    if " 200 " not in f"{status} ":
        raise _skew(status, head) or ServerError(status or "the connection was closed")
    return body.decode()


def _skew(status: str, head: bytes) -> ClockSkew | None:
    """The error for a refused request by a server whose Date header differs from this machine's clock."""
    if _REFUSED not in f"{status} ":
        return None
    told = next((line[5:].strip() for line in head.split(b"\r\n") if line[:5].lower() == b"date:"), b"")
    try:
        server = calendar.timegm(time.strptime(told.decode(), "%a, %d %b %Y %H:%M:%S GMT"))
    except ValueError:
        return None
    here = time.time()
    if abs(server - here) < _SKEW:
        return None
    return ClockSkew(f"{status}; the server's clock says {_clock(server)}, this machine's {_clock(here)}")


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
