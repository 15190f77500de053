"""The quick proof: REDIS_URL leads to the master of this instance, and every sentinel knows a master."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from nexusdev.wire import ServerError, resp, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint

#: The function that returns the nonce. It uses no key, so neither eviction nor FLUSHALL removes it.
MARK = "nexusdev_instance"


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield the master and each sentinel."""
    if "REDIS_HOST" in values:
        yield PublishedEndpoint("REDIS_URL", f"{values['REDIS_HOST']}:{values['REDIS_PORT']}", _ask_master)
    for place in filter(None, values.get("REDIS_SENTINELS", "").split(",")):
        yield PublishedEndpoint(f"REDIS_SENTINELS {place}", place, _ask_sentinel, mute=True)


def _ask_master(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    user, password = values["REDIS_USERNAME"], values["REDIS_PASSWORD"]
    with resp.connect(place, user=user, password=password, context=context, timeout=timeout) as connection:
        nonce = str(connection.ask("FCALL_RO", MARK, "0") or "")
        role = connection.ask("ROLE")
    if not isinstance(role, list) or role[:1] != ["master"]:
        raise ServerError("it leads to a replica, not to the master")
    return nonce


def _ask_sentinel(place: tls.HostPort, values: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
    """A sentinel has no nonce. The full proof also asks the master that it reports."""
    user, password, master = (values[f"REDIS_{name}"] for name in ("USERNAME", "PASSWORD", "MASTER_NAME"))
    with resp.connect(place, user=user, password=password, context=context, timeout=timeout) as connection:
        if not connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master):
            raise ServerError(f"it does not know a master {master}")
    return ""
