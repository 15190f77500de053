"""The load of PostgreSQL: psycopg on the URLs of the env file. A number and the register are written in one transaction."""

# ruff: noqa: S608 - the names of tables are made here, and contain letters, digits and underscores alone

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nexusdev.components.drills import LoadClient, LoadKind
from nexusdev.components.postgres.client import connect

if TYPE_CHECKING:
    from nexusdev.components.postgres.client import Connection

_PATIENCE = 3


class PostgresLoad:
    """``components.drills.ProductLoad``."""

    kinds = (
        LoadKind(name="direct", path="DATABASE_URL", register=True),
        LoadKind(name="pool", path="DATABASE_POOL_URL", register=True),
        LoadKind(name="replica", path="DATABASE_RO_URL", writes=False),
    )

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        """Tables are made by the migration owner, never by the application's role."""
        with open_path(values, "DATABASE_MIGRATION_URL") as owner:
            for kind in self.kinds:
                owner.execute(f"CREATE TABLE {_numbers(mark, kind.name)} (number int PRIMARY KEY)")
                owner.execute(f"CREATE TABLE {_register(mark, kind.name)} (value int)")
                owner.execute(f"INSERT INTO {_register(mark, kind.name)} VALUES (NULL)")

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        path = next(each.path for each in self.kinds if each.name == kind)
        return PostgresLoadClient(
            values=values, path=path, numbers=_numbers(mark, kind), register=_register(mark, kind)
        )

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        with open_path(values, "DATABASE_MIGRATION_URL") as owner:
            for kind in self.kinds:
                owner.execute(f"DROP TABLE IF EXISTS {_numbers(mark, kind.name)}, {_register(mark, kind.name)}")


class PostgresLoadClient(Struct, kw_only=True):
    """``components.drills.LoadClient``."""

    values: Mapping[str, str]
    path: str
    numbers: str
    register: str
    connection: Any = None

    def connect(self) -> None:
        self.connection = open_path(self.values, self.path)

    def write(self, number: int) -> None:
        self.connection.execute(
            f"WITH kept AS (INSERT INTO {self.numbers} VALUES (%s)) UPDATE {self.register} SET value = %s",
            [number, number],
        )

    def read(self) -> int | None:
        row = self.connection.execute(f"SELECT value FROM {self.register}").fetchone()
        value: int | None = row[0]
        return value

    def stored(self) -> set[int]:
        return {row[0] for row in self.connection.execute(f"SELECT number FROM {self.numbers}").fetchall()}

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def open_path(
    values: Mapping[str, str], path: str, *, timeout: int = _PATIENCE, program: str = "nexusdev drill"
) -> Connection:
    """As in a process that has loaded the env file: libpq finds the CA by PGSSLROOTCERT. PgBouncer pools transactions, not sessions."""
    return connect(
        conninfo=values[path],
        sslrootcert=values["PGSSLROOTCERT"],
        connect_timeout=timeout,
        application_name=program,
        prepare_threshold=None,
    )


def _numbers(mark: str, kind: str) -> str:
    return f"{mark}_{kind}"


def _register(mark: str, kind: str) -> str:
    return f"{mark}_{kind}_register"
