"""PostgreSQL's variables for applications: libpq's own names, and URLs of the three published paths.

A URL carries no `&`: in a file that a shell sources it would end the line. So the CA is in PGSSLROOTCERT, which libpq reads by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.postgres import names
from nexusdev.interfaces import Address, InstanceAccess, View


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Names as in production; the same in both views but for the addresses."""
    primary = access.address_in(view, names.PRIMARY, names.SQL)
    password, owner = (access.secrets.read(names.PASSWORDS[role]) for role in (names.APP, names.OWNER))
    replica = access.address_in(view, names.REPLICA, names.SQL)
    pool = access.address_in(view, names.POOL, names.POOLED)
    return (
        Variable(name="PGHOST", first=True, value=primary.host),
        Variable(name="PGPORT", first=True, value=str(primary.port)),
        Variable(name="PGDATABASE", first=True, value=names.DATABASE),
        Variable(name="PGUSER", first=True, value=names.APP),
        Variable(name="PGPASSWORD", first=True, value=password, secret=True),
        Variable(name="PGSSLMODE", value="verify-full"),
        Variable(name="PGSSLROOTCERT", value=access.ca_file_in(view)),
        Variable(name="DATABASE_URL", value=_url(primary, password), secret=True, comment="the primary"),
        Variable(name="DATABASE_RO_URL", value=_url(replica, password), secret=True, comment="the replicas: read-only"),
        Variable(
            name="DATABASE_POOL_URL", value=_url(pool, password), secret=True, comment="PgBouncer, transaction mode"
        ),
        Variable(
            name="DATABASE_MIGRATION_URL",
            value=_url(primary, owner, user=names.OWNER),
            secret=True,
            comment="owner of the tables: for migrations, not for the application",
        ),
    )


def credentials(access: InstanceAccess) -> Credentials:
    """Return the application's login and the migration owner's, with the addresses inside the network."""
    primary = {"database": names.DATABASE, "host": names.PRIMARY, "port": str(names.SQL), "sslmode": "verify-full"}
    others = {"replica_host": names.REPLICA, "pool_host": names.POOL, "pool_port": str(names.POOLED)}
    return {
        Consumer.APPLICATION: {**_login(access, names.APP), **primary, **others},
        Consumer.MIGRATIONS: {**_login(access, names.OWNER), **primary},
    }


def _login(access: InstanceAccess, role: str) -> Mapping[str, str]:
    return {"username": role, "password": access.secrets.read(names.PASSWORDS[role])}


def _url(address: Address, password: str, *, user: str = names.APP) -> str:
    return f"postgresql://{user}:{password}@{address}/{names.DATABASE}?sslmode=verify-full"
