"""psycopg, configured to trust the instance's CA only; server errors become ``SeedingFailed``. Imported only to change something."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nexusdev.components.postgres import names
from nexusdev.components.postgres.companions import COMPANIONS
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]


class _HiddenVariables:
    """Variables that are absent from this process while at least one block runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._hidden: dict[str, str] = {}

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._hidden = {name: os.environ.pop(name) for name in COMPANIONS if name in os.environ}
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                os.environ.update(self._hidden)


_HIDDEN = _HiddenVariables()


def connect(**parameters: Any) -> Connection:
    """Connect with these parameters of libpq alone, in autocommit.

    libpq fills each missing parameter from the environment, and an empty one counts as missing. So the variables that would lead elsewhere
    (PGHOSTADDR, PGSERVICE, PGOPTIONS) are absent while it connects.
    """
    import psycopg

    with _HIDDEN:
        return psycopg.connect(**parameters, autocommit=True)


async def connect_async(**parameters: Any) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """The same for asyncio."""
    import psycopg

    with _HIDDEN:
        return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


@contextmanager
def session(access: InstanceAccess, *, user: str, database: str, doing: str) -> Iterator[Connection]:
    """Open a connection to the primary, through the gateway, in autocommit mode.

    Args:
        access: The instance.
        user: The role; its password is read from the secret store.
        database: The database.
        doing: Completes the sentence ``PostgreSQL: … failed`` in an error.

    Raises:
        SeedingFailed: The server does not answer or rejects a statement.
    """
    import psycopg

    address = access.address(names.PRIMARY, names.SQL)
    try:
        with connect(
            host=address.host,
            port=address.port,
            dbname=database,
            user=user,
            password=access.secrets.read(names.PASSWORDS[user]),
            sslmode="verify-full",
            sslrootcert=str(access.ca_file),
            connect_timeout=15,  # a loaded machine is slow here, and a failure here makes `up` fail
            application_name="nexusdev",
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise SeedingFailed(
            f"PostgreSQL: {doing} failed",
            why=words(error),
            hint="nexusdev logs postgres   show the servers' logs",
        ) from error


def words(error: psycopg.Error) -> str:
    """Return the server's message with its SQLSTATE, or the error of the connection."""
    message = error.diag.message_primary or str(error).strip()
    return f"{message} ({error.sqlstate})" if error.sqlstate else message


def first(connection: Connection, query: str) -> Any:
    """The first column of the first row; None when there is none."""
    row = connection.execute(query).fetchone()
    return row[0] if row else None
