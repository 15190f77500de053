"""Rotates the passwords of the application, the migration owner and the login for tests. Open connections stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components import https_connection
from nexusdev.components.contract import Change
from nexusdev.components.postgres import names
from nexusdev.components.postgres.client import session
from nexusdev.components.postgres.seed import set_password
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.passwords import random_password
from nexusdev.wire import postgres as wire

ROTATED = (names.APP, names.OWNER, names.TEST)


def rotate(access: InstanceAccess) -> Sequence[Change]:
    """Set new passwords, log in with them at the primary and the pool, then store them.

    If it is interrupted, the next seeding sets the passwords of the server to the stored ones.

    Raises:
        SeedingFailed: The server does not answer, or a new password is not accepted.
    """
    fresh = {role: random_password(32) for role in ROTATED}
    _set(access, fresh)
    for role, password in fresh.items():
        _try(access, role, password)
        access.secrets.write(names.PASSWORDS[role], password)
    return tuple(Change(what=f"new password for {role}") for role in fresh)


def _set(access: InstanceAccess, fresh: Mapping[str, str]) -> None:
    """All of them or none."""
    superuser = session(access, user=names.SUPERUSER, database=names.MAINTENANCE, doing="changing passwords")
    with superuser as connection, connection.transaction():
        for role, password in fresh.items():
            set_password(connection, role, password)


def _try(access: InstanceAccess, role: str, password: str) -> None:
    """Log in with the new password, also through the pool: PgBouncer uses the keys of this login for its server connections."""
    for name, port in ((names.PRIMARY, names.SQL), (names.POOL, names.POOLED)):
        try:
            with wire.connect(
                address=access.address(name, port),
                database=names.MAINTENANCE if role == names.TEST else names.DATABASE,
                user=role,
                password=password,
                context=https_connection.context(access),
                timeout=5.0,
            ) as session:
                session.ask("SELECT 1")
        except (wire.PostgresError, OSError) as error:
            raise SeedingFailed(
                f"{name} does not accept the new password of {role}", why=str(error), hint="nexusdev secrets rotate"
            ) from error
