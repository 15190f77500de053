"""The quick proof: each page answers. None carries a nonce; the CA that signed its certificate exists for this instance only."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from nexusdev.wire import http, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint, Question, host_header

#: Variable → the request to its server. The full proof sends the same.
PUBLISHED = {
    "PROMETHEUS_URL": "/api/v1/query?query=up",
    "ALERTMANAGER_URL": "/api/v2/status",
    "GRAFANA_URL": "/api/health",
}


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield each page among the variables."""
    for name, path in PUBLISHED.items():
        if name in values:
            yield PublishedEndpoint(name, values[name], _question(path), mute=True)


def _question(path: str) -> Question:
    def ask(place: tls.HostPort, _values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
        http.get(place, path, context=context, headers=host_header(place), timeout=timeout)
        return ""

    return ask
