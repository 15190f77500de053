"""The rows of PostgreSQL: replication lag, what one of many users does, and what the application must not do."""

# ruff: noqa: S608 - the names of tables are constants
from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from nexusdev.components.postgres import names
from nexusdev.components.postgres.client import connect
from nexusdev.components.postgres.load import open_path
from nexusdev.components.scores import (
    Control,
    ControlResult,
    Measured,
    Score,
    ScoreBench,
    in_milliseconds,
    percentile,
    refusals,
)

if TYPE_CHECKING:
    from nexusdev.components.postgres.client import Connection

_TABLE = "nexusdev_verify"
_PATIENCE = 10
#: Seconds after which a row that a replica lacks counts as lost.
_LONGEST = 10.0


def _lag(bench: ScoreBench) -> Measured:
    """Write a row at the primary, and ask a replica until it has it."""
    samples = []
    with _table(bench) as owner, _open(bench, "DATABASE_RO_URL") as replica:
        _until_there(replica)
        for number in range(bench.count(100)):
            owner.execute(f"INSERT INTO {_TABLE} VALUES (%s)", [number])
            began = time.perf_counter()
            while replica.execute(f"SELECT 1 FROM {_TABLE} WHERE number = %s", [number]).fetchone() is None:
                if time.perf_counter() - began > _LONGEST:
                    raise TimeoutError(f"a replica lacks a row after {_LONGEST:.0f} s")
            samples.append(time.perf_counter() - began)
    return Measured(value=percentile(samples, 0.95) * 1000, samples=len(samples), details=in_milliseconds(samples))


@contextmanager
def _table(bench: ScoreBench) -> Iterator[Connection]:
    """Make the table of a measurement, and remove it afterwards."""
    with _open(bench, "DATABASE_MIGRATION_URL") as owner:
        owner.execute(f"DROP TABLE IF EXISTS {_TABLE}; CREATE TABLE {_TABLE} (number int)")
        try:
            yield owner
        finally:
            owner.execute(f"DROP TABLE {_TABLE}")


def _until_there(replica: Connection) -> None:
    end = time.monotonic() + _LONGEST
    while replica.execute("SELECT to_regclass(%s)", [_TABLE]).fetchone() == (None,):
        if time.monotonic() > end:
            raise TimeoutError(f"a replica lacks a table after {_LONGEST:.0f} s")
        time.sleep(0.01)


@asynccontextmanager
async def user(values: Mapping[str, str]) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """A user with a connection of its own to the pool, who runs a query."""
    from nexusdev.components.postgres.client import connect_async

    connection = await connect_async(
        conninfo=values["DATABASE_POOL_URL"],
        sslrootcert=values["PGSSLROOTCERT"],
        connect_timeout=60,
        prepare_threshold=None,
        application_name="nexusdev verify",
    )
    async with connection:
        yield lambda: connection.execute("SELECT count(*) FROM pg_class")


def _rights(bench: ScoreBench) -> ControlResult:
    import psycopg

    with _open(bench, "DATABASE_URL") as connection:
        return refusals(
            {
                statement: partial(connection.execute, statement)
                for statement in (
                    "CREATE TABLE public.nexusdev_verify_app (a int)",
                    "CREATE ROLE nexusdev_verify",
                    "SELECT rolpassword FROM pg_authid",
                    "SET ROLE nexus_owner",
                    "SELECT pg_read_file('/etc/passwd')",
                    "COPY (SELECT 1) TO PROGRAM 'true'",
                )
            },
            (psycopg.errors.InsufficientPrivilege,),
        )


def _guesses(bench: ScoreBench) -> ControlResult:
    import psycopg

    def login(user: str, password: str) -> Callable[[], object]:
        address = bench.access.address(names.PRIMARY, names.SQL)
        return lambda: connect(
            host=address.host, port=address.port, dbname=names.MAINTENANCE, user=user, password=password,
            sslmode="verify-full", sslrootcert=str(bench.access.ca_file), connect_timeout=_PATIENCE,
        ).close()  # fmt: skip

    pairs = [(names.SUPERUSER, "postgres"), (names.APP, names.APP), (names.OWNER, names.OWNER), (names.ISSUER, "vault")]
    return refusals(
        {f"{user} with {password}": login(user, password) for user, password in pairs}, (psycopg.OperationalError,)
    )


def _audit(bench: ScoreBench) -> ControlResult:
    """Change a table, and look for the change in the servers' logs."""
    mark = f"{_TABLE}_{uuid.uuid4().hex[:8]}"
    runtime = bench.access.runtime
    began = runtime.now() - 1.0
    with _open(bench, "DATABASE_MIGRATION_URL") as owner:
        owner.execute(f"CREATE TABLE {mark} (a int); DROP TABLE {mark}")
    nodes, end = names.nodes(bench.access), time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for line in runtime.logs(nodes, since=began):
            if "AUDIT:" in line.text and mark in line.text:
                return ControlResult(passed=True, evidence=f"CREATE TABLE is in the log of {line.service}")
        time.sleep(0.2)
    return ControlResult(passed=False, evidence="CREATE TABLE is in no log")


def _open(bench: ScoreBench, variable: str) -> Connection:
    return open_path(bench.values, variable, timeout=_PATIENCE, program="nexusdev verify")


SCORES = (
    Score(
        name="replication-lag",
        title="Replication lag, p95 until a committed row is on a replica",
        unit="ms",
        target=1000.0,
        method="one row after the other at the primary; a replica is asked until it has it",
        measure=_lag,
    ),
)
CONTROLS = (
    Control(name="postgres-passwords", title="PostgreSQL accepts no guessed password", check=_guesses),
    Control(name="postgres-rights", title="the application changes no tables, roles or settings", check=_rights),
    Control(name="postgres-audit", title="PostgreSQL writes an audit log", check=_audit),
)
