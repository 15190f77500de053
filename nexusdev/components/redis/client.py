"""redis-py, configured to trust the instance's CA only; its errors become those of ``wire.resp``.

Imported by what changes something and by the proof, never by a look: redis alone costs 0.4 s. It must be imported from here and nowhere
else: two threads that import redis 8 at the same moment fail, and the lock of this module lets them do it one after the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nexusdev.components.redis import names
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.wire.resp import RedisError

RedisClient = redis.Redis
NO_RETRY = Retry(NoBackoff(), 0)
ResponseError = redis.ResponseError
#: How a server refuses a login, or a command before one.
LoginErrors = (redis.AuthenticationError, redis.ResponseError)


@contextlib.contextmanager
def connect(
    address: Address, *, user: str, password: str, ca: str | Path, timeout: float = 2.0
) -> Iterator[RedisClient]:
    """Open one connection, on first use. Nothing is retried: callers that wait have their own loop.

    Args:
        address: A Redis server, sentinel or relay.
        user: The Redis user.
        password: Its password.
        ca: File with the certificate authority that must have signed the server's certificate.
        timeout: Seconds for each of connecting, handshake and reply.

    Raises:
        RedisError: The server rejects the login or a command.
        OSError: There is no server, no reply in time, or its certificate is not trusted.
    """
    try:
        with redis.Redis(
            host=address.host,
            port=address.port,
            username=user,
            password=password,
            ssl=True,
            ssl_ca_certs=str(ca),
            ssl_check_hostname=True,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # these commands are the same in RESP2 and RESP3; in RESP2 a login needs only AUTH
            protocol=2,
            retry=NO_RETRY,
            decode_responses=True,
        ) as client:
            yield client
    except (redis.AuthenticationError, redis.BusyLoadingError, redis.ResponseError) as error:
        raise RedisError(said(error)) from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise _cause(error) from error


@contextlib.contextmanager
def as_admin(access: InstanceAccess, name: str, port: int = names.PORT) -> Iterator[RedisClient]:
    """Open a connection as the administrator.

    Args:
        access: The instance.
        name: A service or a role name.
        port: The container port.

    Raises:
        RedisError, OSError: As for ``connect``.
    """
    password = access.secrets.read(names.ADMIN_PASSWORD)
    with connect(access.address(name, port), user=names.ADMIN_USER, password=password, ca=access.ca_file) as connection:
        yield connection


def sentinel_client(nodes: Sequence[tuple[str, int]], master: str, options: Mapping[str, Any]) -> RedisClient:
    """Return a client of the master that the sentinels name, asked again for each connection. Nothing is retried.

    Args:
        nodes: Host and port of each sentinel.
        master: The name that the sentinels watch the master under.
        options: redis-py's options, the same for the sentinels and the servers.
    """
    from redis.sentinel import Sentinel

    sentinels = Sentinel(list(nodes), sentinel_kwargs=dict(options), retry=NO_RETRY, **options)  # type: ignore[no-untyped-call]
    client: RedisClient = sentinels.master_for(master)  # type: ignore[no-untyped-call]
    return client


def async_client(**options: Any) -> Any:
    """Return a client for asyncio. Nothing is retried. ``options``: redis-py's."""
    from redis import asyncio
    from redis.asyncio.retry import Retry as AsyncRetry

    return asyncio.Redis(retry=AsyncRetry(NoBackoff(), 0), **options)


def do(connection: RedisClient, *words: str) -> Any:
    """Run a command that is given as words, as in a secret or a seed file."""
    return connection.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py has no types for it


def said(error: Exception) -> str:
    """Return the server's message. redis-py keeps its first word, the code, apart."""
    code = getattr(error, "status_code", None) or ""
    return f"{code} {error}".strip()


def _cause(error: BaseException) -> OSError:
    """Return the error of the socket, which redis-py wraps in its own."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError):
            return found
        found = found.__cause__ or found.__context__
    return ConnectionError("the connection was closed" if "closed" in str(error) else str(error))
