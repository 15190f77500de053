"""PostgreSQL's part of a lease: a database, and the role that owns it.

The role may create further databases, as test runners do; all that it owns is dropped with the lease. Only the owner may connect to the lease's
database. Uses ``wire.postgres``: importing psycopg takes longer than the whole lease.
"""

# ruff: noqa: S608 - names are made here, from ids; others are quoted
from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from nexusdev.components import https_connection
from nexusdev.components.contract import Variable
from nexusdev.components.leases import LeasePartDefaults, Slice, hint
from nexusdev.components.postgres import names, variables
from nexusdev.components.postgres.variables import Logins, PostgresLogin
from nexusdev.errors import NexusError, SeedingFailed, UsageError
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.sessions import Sessions
from nexusdev.wire import ServerError, postgres, scram

#: An empty database with the extensions of the application's. Every lease's database is a copy of it, or of another lease's.
BASE = "nexusdev_lease"
#: Those of the application's database that a migration may rely on, and that every database can have.
EXTENSIONS = ("pgcrypto", "uuid-ossp")
#: Comment by which the roles of leases are recognized.
MARK = "nexusdev lease"
_PREFIX = "lease_"
_LOCK = 0x6C65617365  # any number that nothing else locks
_IN_USE = "55006"
#: Seconds that a new database waits for the replicas, and between two questions.
_REPLAY, _TICK = 5.0, 0.01


class PostgresLease(LeasePartDefaults):
    """Implements ``components.leases.LeasePart``."""

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        name = _name(slice_)
        with _superuser(access, "creating the database of a lease") as session:
            source = _frozen(session, _name(template)) if template else _base(access, session)
            session.ask(
                f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD '{scram.verifier(_password(slice_))}';"
                f" COMMENT ON ROLE {name} IS '{MARK}'"
            )
            _copy(session, source, name)
            session.ask(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            if not template:
                _wait_for_replicas(session)
        if template:
            with _superuser(access, "changing the owner of copied tables", database=name) as session:
                # The second statement removes the default privileges of the template's role, which REASSIGN leaves: they are copied with the
                # database, and the role could not be dropped as long as a copy exists. It owns nothing here any more.
                session.ask(f"REASSIGN OWNED BY {_name(template)} TO {name}; DROP OWNED BY {_name(template)}")
                _wait_for_replicas(session)
        return {}

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        """Create the database again, as empty as a new one."""
        name = _name(slice_)
        with _superuser(access, "emptying the database of a lease") as session:
            _drop_databases(session, name)
            _copy(session, _base(access, session), name)
            session.ask(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            _wait_for_replicas(session)

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        name = _name(slice_)
        with _superuser(access, "dropping the database of a lease") as session:
            roles = session.ask(f"SELECT FROM pg_roles WHERE rolname = '{name}'")
            if roles:
                session.ask(f"ALTER ROLE {name} NOLOGIN")
            _drop_databases(session, name)
            session.ask(f"DROP ROLE IF EXISTS {name}")

    def found(self, access: InstanceAccess) -> frozenset[str]:
        with _superuser(access, "listing the roles of leases") as session:
            rows = session.ask(
                "SELECT rolname FROM pg_roles JOIN pg_shdescription ON objoid = pg_roles.oid"
                f" AND classoid = 'pg_authid'::regclass WHERE description = '{MARK}'"
            )
        return frozenset((row[0] or "").removeprefix(_PREFIX) for row in rows)

    def describe(self, slice_: Slice) -> str:
        return _name(slice_)

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        return variables.published(access, View.HOST, _logins(slice_), folder=slice_.folder)

    def files(self, access: InstanceAccess, slice_: Slice) -> Mapping[str, str]:
        return variables.service_file(access, View.HOST, _logins(slice_))


def _name(slice_: Slice) -> str:
    return f"{_PREFIX}{slice_.id}"


def _password(slice_: Slice) -> str:
    return slice_.secret("postgres")


def _logins(slice_: Slice) -> Logins:
    """One login for all purposes: the role owns the database."""
    login = PostgresLogin(user=_name(slice_), password=_password(slice_), database=_name(slice_))
    return Logins(application=login, owner=login, test=login)


def _copy(session: postgres.PostgresSession, source: str, name: str) -> None:
    """Copy a database, file by file: the write-ahead log of a copy by blocks would delay the replicas."""
    try:
        session.ask(f"CREATE DATABASE {name} OWNER {name} TEMPLATE {source} STRATEGY file_copy")
    except postgres.PostgresError as error:
        if error.sqlstate != _IN_USE:
            raise
        raise SeedingFailed(
            f"PostgreSQL: the database {source} cannot be copied now",
            why=str(error),
            hint="try again when nothing is connected to it",
        ) from error


def _wait_for_replicas(session: postgres.PostgresSession) -> None:
    """Wait until the replicas have replayed what was written, so that ``DATABASE_RO_URL`` finds the database.

    A replica that is still behind after some seconds delays nobody any longer.
    """
    written = session.ask("SELECT pg_current_wal_flush_lsn()")[0][0]
    end = time.monotonic() + _REPLAY
    while session.ask(f"SELECT FROM pg_stat_replication WHERE replay_lsn < '{written}'") and time.monotonic() < end:
        time.sleep(_TICK)


def _drop_databases(session: postgres.PostgresSession, name: str) -> None:
    """Drop the database of this name, and all that the role of this name owns."""
    owned = session.ask(
        "SELECT datname FROM pg_database"
        f" WHERE datname = '{name}' OR datdba = (SELECT oid FROM pg_roles WHERE rolname = '{name}')"
    )
    for (database,) in owned:
        session.ask(f"DROP DATABASE IF EXISTS {_quoted(database or '')} WITH (FORCE)")


def _base(access: InstanceAccess, session: postgres.PostgresSession) -> str:
    """Return the name of the empty database, and create it for the first lease. It is complete when it takes no connections."""
    complete = f"SELECT FROM pg_database WHERE datname = '{BASE}' AND NOT datallowconn"
    if session.ask(complete):
        return BASE
    session.ask(f"SELECT pg_advisory_lock({_LOCK})")
    if not session.ask(complete):
        session.ask(f"DROP DATABASE IF EXISTS {BASE} WITH (FORCE)")
        session.ask(f"CREATE DATABASE {BASE} STRATEGY file_copy")
        with _superuser(access, "creating extensions for leases", database=BASE) as inside:
            for name in EXTENSIONS:
                inside.ask(f'CREATE EXTENSION "{name}"')
        session.ask(f"ALTER DATABASE {BASE} ALLOW_CONNECTIONS false")
    session.ask(f"SELECT pg_advisory_unlock({_LOCK})")
    return BASE


def _frozen(session: postgres.PostgresSession, name: str) -> str:
    """Make a lease's database a template: nobody connects to it any more, so that it can be copied at any time.

    It is not marked IS_TEMPLATE, because then every role that may create databases could copy it. The superuser owns it afterwards: REASSIGN
    OWNED in a copy also changes the owner of databases.
    """
    owner = f"(SELECT oid FROM pg_roles WHERE rolname = '{name}')"
    session.ask(f"SELECT pg_advisory_lock({_LOCK})")  # the same changes at once would fail
    owned = [row[0] for row in session.ask(f"SELECT datname FROM pg_database WHERE datdba = {owner}")]
    if others := sorted(each for each in owned if each and each != name):
        raise UsageError(
            "this lease cannot be a template: it has more than one database",
            why=f"its role also owns {', '.join(others)}",
            hint="drop the other databases first",
        )
    if owned:
        session.ask(
            f"ALTER DATABASE {name} OWNER TO {names.SUPERUSER}; ALTER DATABASE {name} ALLOW_CONNECTIONS false;"
            f" ALTER ROLE {name} NOLOGIN NOCREATEDB"
        )
        session.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    session.ask(f"SELECT pg_advisory_unlock({_LOCK})")
    return name


@contextmanager
def _superuser(
    access: InstanceAccess, doing: str, *, database: str = names.MAINTENANCE
) -> Iterator[postgres.PostgresSession]:
    """Connect to the primary, through the gateway. ``doing`` completes the sentence ``PostgreSQL: … failed`` in an error.

    The session of the maintenance database may be a kept one; one of a lease's database would get in the way of its copies.
    """
    sessions = access.sessions if database == names.MAINTENANCE else Sessions()
    try:
        with sessions.use("postgres", partial(_connected, access, database), _is_primary) as session:
            yield session
    except NexusError:
        raise
    except (ServerError, OSError) as error:
        raise SeedingFailed(
            f"PostgreSQL: {doing} failed",
            why=str(error),
            hint=hint("PostgreSQL", "postgres", str(error)),
        ) from error


def _connected(access: InstanceAccess, database: str) -> AbstractContextManager[postgres.PostgresSession]:
    return postgres.connect(
        address=access.address(names.PRIMARY, names.SQL),
        database=database,
        user=names.SUPERUSER,
        password=access.secrets.read(names.PASSWORDS[names.SUPERUSER]),
        context=https_connection.context(access),
        timeout=30.0,
    )


def _is_primary(session: postgres.PostgresSession) -> bool:
    return session.ask("SELECT pg_is_in_recovery()") == [("f",)]


def _quoted(name: str) -> str:
    """Return an identifier that users chose, quoted."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
