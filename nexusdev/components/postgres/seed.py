"""Seeds roles, passwords, the database, its extensions and the instance's nonce. Idempotent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nexusdev.components.contract import Change
from nexusdev.components.postgres import desired_state, names
from nexusdev.components.postgres.client import first, session
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire import scram

if TYPE_CHECKING:
    from nexusdev.components.postgres.client import Connection


def seed(access: InstanceAccess) -> Sequence[Change]:
    """Create roles, databases and grants that are missing.

    Returns:
        One change per statement, in the order in which they ran.

    Raises:
        SeedingFailed: The primary does not answer or rejects a statement.
    """
    with session(
        access, user=names.SUPERUSER, database=names.MAINTENANCE, doing="creating roles and databases"
    ) as connection:
        cluster = [
            *take(connection, desired_state.CLUSTER),
            *_passwords(access, connection),
            *_mark(connection, access.nonce),
        ]
    with session(
        access, user=names.SUPERUSER, database=names.DATABASE, doing=f"preparing {names.DATABASE}"
    ) as connection:
        inside = [*take(connection, desired_state.DATABASE), *_mark(connection, access.nonce)]
    return (*cluster, *inside)


def take(connection: Connection, steps: Sequence[desired_state.SeedStep]) -> Iterator[Change]:
    """Take each step that is not done yet."""
    for step in steps:
        if not first(connection, step.present):
            connection.execute(step.make)
            yield Change(what=step.what)


def _passwords(access: InstanceAccess, connection: Connection) -> Iterator[Change]:
    """Every role's password is the one of the secret store."""
    rows = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
    kept = {row[0]: row[1] for row in rows}
    for role in desired_state.ROLES:
        password = access.secrets.read(names.PASSWORDS[role])
        if not scram.matches(kept[role], password):
            set_password(connection, role, password)
            yield Change(what=f"set the password of {role}")


def set_password(connection: Connection, role: str, password: str) -> None:
    """Store the verifier; the password itself does not leave this process."""
    connection.execute(f"ALTER ROLE {role} PASSWORD '{scram.verifier(password)}'")


def _mark(connection: Connection, nonce: str) -> Iterator[Change]:
    """The table holds exactly one nonce: this instance's."""
    found = [row[0] for row in connection.execute("SELECT nonce FROM nexusdev.instance").fetchall()]
    if found != [nonce]:
        with connection.transaction():
            connection.execute("DELETE FROM nexusdev.instance")
            connection.execute("INSERT INTO nexusdev.instance VALUES (%s)", [nonce])
        yield Change(what=f"wrote the instance's nonce to the database {connection.info.dbname}")
