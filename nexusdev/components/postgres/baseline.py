"""Puts a fresh copy of the seeded database in the place of the application's database.

The first reset seeds an empty database and keeps a copy of it, ``nexusdev_baseline``, with the hash of the seeds as its comment. Later resets copy
that one, file by file, until the seeds change. The database is exchanged by renaming, so clients find the former or the new one.
"""

# ruff: noqa: S608 - names are constants, or quoted by the server
from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexusdev.components import https_connection
from nexusdev.components.baseline import Baseline
from nexusdev.components.contract import Change
from nexusdev.components.postgres import desired_state, names
from nexusdev.components.postgres.client import first, session
from nexusdev.components.postgres.seed import take
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire import ServerError, postgres

if TYPE_CHECKING:
    from nexusdev.components.postgres.client import Connection

TEMPLATE, NEXT, FORMER = "nexusdev_baseline", "nexusdev_next", "nexusdev_former"
_OURS = ", ".join(f"'{name}'" for name in (names.PROBE, names.MONITOR, names.POOLER, names.ISSUER))
_OWN_DATABASES = f"SELECT datname FROM pg_database WHERE datdba = '{names.TEST}'::regrole"
_CLIENTS = f"""SELECT datname, usename, coalesce(application_name, ''), state, pid::text FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'nexusdev'
                 AND usename NOT IN ({_OURS}) AND (datname = '{names.DATABASE}' OR datname IN ({_OWN_DATABASES}))
               ORDER BY pid"""
#: Seconds in which PgBouncer closes the connections that no client uses, and for which the replicas are waited for.
_POOL_CLOSES, _REPLAY, _TICK = 0.5, 5.0, 0.02


def connected_clients(access: InstanceAccess) -> Sequence[str]:
    """Return the clients on every server. Idle connections of PgBouncer are closed first: no client uses them."""
    found = _listed(access)
    if found and _close_idle_pool(access):
        time.sleep(_POOL_CLOSES)
        found = _listed(access)
    return found


def reset_data(access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
    """Exchange the database, and drop the databases of test runners."""
    with session(
        access, user=names.SUPERUSER, database=names.MAINTENANCE, doing="resetting the database"
    ) as connection:
        _clear(connection)
        if _fingerprint(connection) == baseline.fingerprint:
            _copy(connection, TEMPLATE, NEXT)
            _exchange(connection)
            baseline.seed()
            how = "from its template"
        else:
            _build(connection, baseline)
            how = "from the seeds"
        _drop(connection, FORMER)
        for (name,) in connection.execute(_OWN_DATABASES).fetchall():
            _drop(connection, name)
        list(take(connection, desired_state.CLUSTER))  # the database of test runners
        _wait_for_replicas(connection)
    return (Change(what=f"made {names.DATABASE} again {how}"),)


def _build(connection: Connection, baseline: Baseline) -> None:
    """Seed a new database and keep a copy of it. If the seeds fail, the former database is back."""
    _drop(connection, TEMPLATE)
    _close(connection, names.DATABASE)
    connection.execute(f"ALTER DATABASE {names.DATABASE} RENAME TO {FORMER}")
    try:
        baseline.seed()
    except Exception:
        _drop(connection, names.DATABASE)
        _back(connection)
        raise
    _close(connection, names.DATABASE)
    _copy(connection, names.DATABASE, TEMPLATE)
    connection.execute(
        f"COMMENT ON DATABASE {TEMPLATE} IS '{baseline.fingerprint}'; ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false"
    )
    connection.execute(f"ALTER DATABASE {names.DATABASE} ALLOW_CONNECTIONS true")


def _exchange(connection: Connection) -> None:
    """Rename both databases in one transaction."""
    connection.execute(desired_state.restriction(NEXT))
    _close(connection, names.DATABASE)
    with connection.transaction():
        connection.execute(f"ALTER DATABASE {names.DATABASE} RENAME TO {FORMER}")
        connection.execute(f"ALTER DATABASE {NEXT} RENAME TO {names.DATABASE}")


def _clear(connection: Connection) -> None:
    """Remove what an interrupted reset left. The former database comes back unless a complete one has taken its place."""
    _drop(connection, NEXT)
    if _exists(connection, FORMER) and not (_fingerprint(connection) and _exists(connection, names.DATABASE)):
        _drop(connection, names.DATABASE)
        _back(connection)
    _drop(connection, FORMER)


def _back(connection: Connection) -> None:
    connection.execute(f"ALTER DATABASE {FORMER} RENAME TO {names.DATABASE}")
    connection.execute(f"ALTER DATABASE {names.DATABASE} ALLOW_CONNECTIONS true")


def _close(connection: Connection, database: str) -> None:
    """End all connections of a database, also those of its background workers, and let nobody connect."""
    connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    connection.execute(f"SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = '{database}'")


def _copy(connection: Connection, source: str, target: str) -> None:
    """Copy file by file: the write-ahead log of a copy by blocks would delay the replicas."""
    connection.execute(f"CREATE DATABASE {target} OWNER {names.OWNER} TEMPLATE {source} STRATEGY file_copy")


def _drop(connection: Connection, database: str) -> None:
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def _exists(connection: Connection, database: str) -> bool:
    return bool(first(connection, f"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{database}')"))


def _fingerprint(connection: Connection) -> str:
    """Return the hash of the seeds that the template was made of; '' if there is none, or if it is not complete."""
    query = f"""SELECT shobj_description(oid, 'pg_database') FROM pg_database
                WHERE datname = '{TEMPLATE}' AND NOT datallowconn"""
    return str(first(connection, query) or "")


def _wait_for_replicas(connection: Connection) -> None:
    """Wait until the replicas have the new database. One that is still behind after some seconds delays nobody any longer."""
    written = first(connection, "SELECT pg_current_wal_flush_lsn()::text")
    end = time.monotonic() + _REPLAY
    behind = f"SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < '{written}'"
    while first(connection, behind) and time.monotonic() < end:
        time.sleep(_TICK)


def _listed(access: InstanceAccess) -> tuple[str, ...]:
    """Return the clients of every server that answers."""
    found = []
    for node in names.nodes(access):
        try:
            with postgres.connect(
                address=access.address(node, names.SQL),
                database=names.MAINTENANCE,
                user=names.SUPERUSER,
                password=access.secrets.read(names.PASSWORDS[names.SUPERUSER]),
                context=https_connection.context(access),
                timeout=5.0,
            ) as asked:
                rows = asked.ask(_CLIENTS)
        except (ServerError, OSError):
            continue  # readiness was checked: a server that is down has no clients
        found += [
            f"{user} in {database} at {node}, {state or 'unknown'}{f', {program}' if program else ''} (pid {pid})"
            for database, user, program, state, pid in rows
        ]
    return tuple(found)


def _close_idle_pool(access: InstanceAccess) -> bool:
    """Ask PgBouncer to close server connections as soon as no transaction uses them. Return whether it did."""
    try:
        with postgres.connect(
            address=access.address(names.POOL, names.POOLED),
            database="pgbouncer",
            user=names.POOLER,
            password=access.secrets.read(names.PASSWORDS[names.POOLER]),
            context=https_connection.context(access),
            timeout=5.0,
        ) as console:
            console.ask("RECONNECT")
    except (ServerError, OSError, KeyError):
        return False
    return True
