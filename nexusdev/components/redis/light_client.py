"""A small Redis client for readiness, which asks every 50-100 ms, and for leases. Other changes use redis-py."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Iterator

from nexusdev.components.https_connection import context
from nexusdev.components.redis import names
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire import resp


@contextlib.contextmanager
def as_admin(
    access: InstanceAccess, name: str, port: int = names.PORT, *, timeout: float = 2.0
) -> Iterator[resp.RedisSession]:
    """At a service or role name of the instance. ``timeout`` in seconds for each of connecting, handshake and reply."""
    place, password = access.address(name, port), access.secrets.read(names.ADMIN_PASSWORD)

    def connect() -> contextlib.AbstractContextManager[resp.RedisSession]:
        return resp.connect(place, user=names.ADMIN_USER, password=password, context=context(access), timeout=timeout)

    def works(session: resp.RedisSession) -> bool:
        role = session.ask("ROLE")
        return name != names.MASTER or (isinstance(role, list) and role[0] == "master")

    with access.sessions.use(("redis", name, port, timeout), connect, works) as connection:
        yield connection


def fields(reply: resp.Reply) -> dict[str, str]:
    """The lines ``name:value`` of INFO, or the names and values of a flat list, as a mapping."""
    if isinstance(reply, str):
        pairs = (line.partition(":") for line in reply.splitlines() if not line.startswith("#"))
        return {name: value for name, mark, value in pairs if mark}
    items = [str(item) for item in reply] if isinstance(reply, list) else []
    return dict(zip(items[::2], items[1::2], strict=False))


def digest(password: str) -> str:
    """Return a password as the servers keep it: a hash, so that it is seen neither by MONITOR nor in a log."""
    return hashlib.sha256(password.encode()).hexdigest()


def words(error: Exception) -> str:
    """Return why there was no reply, for an error message."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"invalid certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (ssl.SSLEOFError, ConnectionResetError)):
        return "the connection was closed"
    return str(error)
