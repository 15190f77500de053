"""PostgreSQL's variables for applications: libpq's own names, and URLs of the three published paths.

A URL carries no `&`: in a file that a shell sources it would end the line. So the CA is in PGSSLROOTCERT, which libpq reads by itself. JDBC reads
no such variable and takes the login from parameters of the URL alone. Its URL names a service instead: the driver, like libpq, reads the service's
login and CA from the file that PGSERVICEFILE names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.postgres import names
from nexusdev.interfaces import Address, InstanceAccess, View

SERVICE = "nexus"
SERVICE_FILE = "pg_service.conf"


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Names as in production; the same in both views but for the addresses."""
    primary = access.address_in(view, names.PRIMARY, names.SQL)
    password, owner, test = (
        access.secrets.read(names.PASSWORDS[role]) for role in (names.APP, names.OWNER, names.TEST)
    )
    replica = access.address_in(view, names.REPLICA, names.SQL)
    pool = access.address_in(view, names.POOL, names.POOLED)
    jdbc = f"jdbc:postgresql://{primary}/{names.DATABASE}?service={SERVICE}"
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
            application=False,
        ),
        Variable(
            name="DATABASE_TEST_URL",
            value=_url(primary, test, user=names.TEST, database=names.TEST_DATABASE),
            secret=True,
            comment="for test runners: creates databases and owns them, sees no other",
            application=False,
        ),
        Variable(
            name="DATABASE_ASYNC_URL",
            value=_url(primary, password, scheme="postgresql+asyncpg", tls="ssl"),
            secret=True,
            comment="SQLAlchemy with asyncpg",
        ),
        Variable(
            name="PGSERVICEFILE", value=access.client_file_in(view, SERVICE_FILE), comment="services of libpq and JDBC"
        ),
        Variable(name="JDBC_DATABASE_URL", value=jdbc, comment="login and CA: see PGSERVICEFILE"),
        Variable(name="SPRING_DATASOURCE_URL", value=jdbc),
        Variable(name="SPRING_DATASOURCE_USERNAME", value=names.APP),
        Variable(name="SPRING_DATASOURCE_PASSWORD", value=password, secret=True),
    )


def client_files(access: InstanceAccess, view: View, *, application: bool = False) -> Mapping[str, str]:
    """Return the file of connection services: for the application one per published path, and one for the owner of the tables.

    With ``application`` the owner's is left out.

    ``psql service=nexus-pool`` and ``jdbc:postgresql:///?service=nexus-pool`` read it. It names every parameter that a variable of the shell could
    change.
    """
    primary, replica, pool = (
        access.address_in(view, *place)
        for place in ((names.PRIMARY, names.SQL), (names.REPLICA, names.SQL), (names.POOL, names.POOLED))
    )
    services = {
        SERVICE: (primary, names.APP),
        f"{SERVICE}-ro": (replica, names.APP),
        f"{SERVICE}-pool": (pool, names.APP),
    }
    if not application:
        services[f"{SERVICE}-migration"] = (primary, names.OWNER)
    sections = [_section(access, view, service, *each) for service, each in services.items()]
    return {SERVICE_FILE: "\n".join(sections)}


def _section(access: InstanceAccess, view: View, service: str, address: Address, role: str) -> str:
    settings = {
        "host": address.host,
        "port": str(address.port),
        "dbname": names.DATABASE,
        "sslmode": "verify-full",
        "sslrootcert": access.ca_file_in(view),
        "user": role,
        "password": access.secrets.read(names.PASSWORDS[role]),
    }
    return f"[{service}]\n" + "".join(f"{name}={value}\n" for name, value in settings.items())


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


def _url(
    address: Address,
    password: str,
    *,
    user: str = names.APP,
    database: str = names.DATABASE,
    scheme: str = "postgresql",
    tls: str = "sslmode",
) -> str:
    return f"{scheme}://{user}:{password}@{address}/{database}?{tls}=verify-full"
