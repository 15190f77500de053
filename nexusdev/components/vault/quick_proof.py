"""The quick proof: the application's token reads the nonce of this instance."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from typing import Any

from nexusdev.wire import http, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint, host_header

#: Below the KV mount ``secret``. The full proof reads the same with the token and with the AppRole.
INSTANCE_PATH = "nexus/instance"


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield the active server."""
    if "VAULT_ADDR" in values:
        yield PublishedEndpoint("VAULT_ADDR", values["VAULT_ADDR"], _ask)


def _ask(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    headers = {**host_header(place), "X-Vault-Token": values.get("VAULT_TOKEN", "")}
    body: Any = json.loads(
        http.get(place, f"/v1/secret/data/{INSTANCE_PATH}", context=context, headers=headers, timeout=timeout)
    )
    return str(body["data"]["data"]["nonce"])
