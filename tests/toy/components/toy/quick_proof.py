"""The quick proof: the token reads the nonce of this instance."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from nexusdev.wire import http, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint, host_header


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield the server."""
    if "TOY_URL" in values:
        yield PublishedEndpoint("TOY_URL", values["TOY_URL"], _ask)


def _ask(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    headers = {**host_header(place), "X-Token": values["TOY_TOKEN"]}
    return http.get(place, "/instance", context=context, headers=headers, timeout=timeout)
