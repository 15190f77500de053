"""psycopg, configured to trust the instance's CA only; server errors become ``SeedingFailed``. Imported only to change something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nexusdev.components.postgres import names
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]


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
        with psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=database,
            user=user,
            password=access.secrets.read(names.PASSWORDS[user]),
            sslmode="verify-full",
            sslrootcert=str(access.ca_file),
            connect_timeout=5,
            application_name="nexusdev",
            autocommit=True,
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
