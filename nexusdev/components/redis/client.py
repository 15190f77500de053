"""redis-py, configured to trust the instance's CA only; its errors become those of ``wire.resp``.

Imported by what changes something and by the proof, never by a look: redis alone costs 0.4 s. It must be imported from here and nowhere
else: two threads that import redis 8 at the same moment fail, and the lock of this module lets them do it one after the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nexusdev.components.redis import names
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.wire.resp import RedisError

Connection = redis.Redis
ResponseError = redis.ResponseError


@contextlib.contextmanager
def connect(
    address: Address, *, user: str, password: str, ca: str | Path, timeout: float = 2.0
) -> Iterator[Connection]:
    """One connection, made when it is first used; tried once, because whoever waits has its own loop.

    timeout  seconds for each of connecting, handshake and reply
    raises   ``RedisError`` for what the server refuses; ``OSError`` when there is no server, no answer or no trust
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
            # what is asked here is the same in both; in 2 a login is AUTH alone
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        ) as client:
            yield client
    except (redis.AuthenticationError, redis.BusyLoadingError, redis.ResponseError) as error:
        raise RedisError(said(error)) from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise _cause(error) from error


@contextlib.contextmanager
def as_admin(access: InstanceAccess, name: str, port: int = names.PORT) -> Iterator[Connection]:
    """As the administrator, at a service or role name of the instance."""
    password = access.secrets.read(names.ADMIN_PASSWORD)
    with connect(access.address(name, port), user=names.ADMIN_USER, password=password, ca=access.ca_file) as connection:
        yield connection


def do(connection: Connection, *words: str) -> Any:
    """A command in the server's own words, as a secret or a seed file has it."""
    return connection.execute_command(*words)  # type: ignore[no-untyped-call]


def said(error: Exception) -> str:
    """The server's own words; redis-py keeps their first, the code, apart."""
    code = getattr(error, "status_code", None) or ""
    return f"{code} {error}".strip()


def _cause(error: BaseException) -> OSError:
    """What the socket said; redis-py puts its own words around it."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError):
            return found
        found = found.__cause__ or found.__context__
    return ConnectionError("the connection was closed" if "closed" in str(error) else str(error))
