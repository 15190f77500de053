"""A published path that is proven before the variables are printed, as the quick proof of each component describes it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from nexusdev.wire import tls

EnvValues = Mapping[str, str]
#: Queries the server at this address, with the variables only, within this many seconds. Returns its nonce, '' if it has none. Raises ``ServerError``
#: with the server's message, ``OSError`` if there is no server, no answer or no trust.
Question = Callable[[tls.HostPort, EnvValues, ssl.SSLContext, float], str]


class PublishedEndpoint:
    """One published path.

    Attributes:
        path: Its name for a person. Begins with the variable that names it: ``REDIS_SENTINELS 127.0.0.1:21073``.
        host: Where it is.
        port: Where it is.
        ask: What to ask there.
        mute: The answer carries no nonce; the server's certificate is the proof.
    """

    def __init__(self, path: str, place: str, ask: Question, *, mute: bool = False) -> None:
        self.path = path
        self.host, self.port = _authority(place)
        self.ask = ask
        self.mute = mute


def host_header(place: tls.HostPort) -> dict[str, str]:
    """Return the header that names the server of an HTTP request."""
    return {"host": f"{place.host}:{place.port}"}


def _authority(url: str) -> tuple[str, int]:
    """Host and port of a URL or of ``host:port``."""
    place = url.rpartition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, _, port = place.rpartition(":")
    return host, int(port)
