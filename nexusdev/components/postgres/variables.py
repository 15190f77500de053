"""PostgreSQL's variables for applications: libpq's own names, and URLs of the three published paths.

A URL carries no `&`: in a file that a shell sources it would end the line. So the CA is in PGSSLROOTCERT, which libpq reads by itself. JDBC reads
no such variable and takes the login from parameters of the URL alone. Its URL names a service instead: the driver, like libpq, reads the service's
login and CA from the file that PGSERVICEFILE names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.postgres import names
from nexusdev.interfaces import Address, InstanceAccess, View

SERVICE = "nexus"
SERVICE_FILE = "pg_service.conf"


class PostgresLogin(Struct, frozen=True, kw_only=True):
    """A role, its password, and the database that it uses."""

    user: str
    password: str
    database: str


class Logins(Struct, frozen=True, kw_only=True):
    """The logins that the variables publish: of the application, of the owner of the tables, and of test runners."""

    application: PostgresLogin
    owner: PostgresLogin
    test: PostgresLogin


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Names as in production; the same in both views but for the addresses."""
    return published(access, view, permanent_logins(access))


def published(access: InstanceAccess, view: View, logins: Logins, *, folder: str = "") -> Sequence[Variable]:
    """Return the variables for these logins.

    Args:
        access: The instance.
        view: From where they are used.
        logins: What they log in with.
        folder: Where the file of connection services is; '' for the folder of the instance's client files.
    """
    app, owner, test = logins.application, logins.owner, logins.test
    primary = access.address_in(view, names.PRIMARY, names.SQL)
    replica = access.address_in(view, names.REPLICA, names.SQL)
    pool = access.address_in(view, names.POOL, names.POOLED)
    jdbc = f"jdbc:postgresql://{primary}/{app.database}?service={SERVICE}"
    services = f"{folder}/{SERVICE_FILE}" if folder else access.client_file_in(view, SERVICE_FILE)
    return (
        Variable(name="PGHOST", first=True, value=primary.host),
        Variable(name="PGPORT", first=True, value=str(primary.port)),
        Variable(name="PGDATABASE", first=True, value=app.database),
        Variable(name="PGUSER", first=True, value=app.user),
        Variable(name="PGPASSWORD", first=True, value=app.password, secret=True),
        Variable(name="PGSSLMODE", value="verify-full"),
        Variable(name="PGSSLROOTCERT", value=access.ca_file_in(view)),
        Variable(name="DATABASE_URL", value=_url(primary, app), secret=True, comment="the primary"),
        Variable(name="DATABASE_RO_URL", value=_url(replica, app), secret=True, comment=_reads(access)),
        *_without_replicas(access),
        Variable(name="DATABASE_POOL_URL", value=_url(pool, app), secret=True, comment="PgBouncer, transaction mode"),
        Variable(
            name="DATABASE_MIGRATION_URL",
            value=_url(primary, owner),
            secret=True,
            comment="owner of the tables: for migrations, not for the application",
            application=False,
        ),
        Variable(
            name="DATABASE_TEST_URL",
            value=_url(primary, test),
            secret=True,
            comment="for test runners: creates databases and owns them, sees no other",
            application=False,
        ),
        Variable(
            name="DATABASE_ASYNC_URL",
            value=_url(primary, app, scheme="postgresql+asyncpg", tls="ssl"),
            secret=True,
            comment="SQLAlchemy with asyncpg",
        ),
        Variable(name="PGSERVICEFILE", value=services, comment="services of libpq and JDBC"),
        Variable(name="JDBC_DATABASE_URL", value=jdbc, comment="login and CA: see PGSERVICEFILE"),
        Variable(name="SPRING_DATASOURCE_URL", value=jdbc),
        Variable(name="SPRING_DATASOURCE_USERNAME", value=app.user),
        Variable(name="SPRING_DATASOURCE_PASSWORD", value=app.password, secret=True),
    )


def _without_replicas(access: InstanceAccess) -> Sequence[Variable]:
    if names.stores(access):
        return ()
    return (Variable(name="DATABASE_REPLICAS", value="0", comment="DATABASE_RO_URL leads to the primary"),)


def _reads(access: InstanceAccess) -> str:
    return "the replicas: read-only" if names.stores(access) else "the same server: this stack has no replicas"


def client_files(access: InstanceAccess, view: View, *, application: bool = False) -> Mapping[str, str]:
    """Return the file of connection services: for the application one per published path, and one for the owner of the tables.

    With ``application`` the owner's is left out.
    """
    return service_file(access, view, permanent_logins(access), application=application)


def service_file(access: InstanceAccess, view: View, logins: Logins, *, application: bool = False) -> Mapping[str, str]:
    """Return the file of connection services for these logins.

    ``psql service=nexus-pool`` and ``jdbc:postgresql:///?service=nexus-pool`` read it. It names every parameter that a variable of the shell could
    change.
    """
    primary, replica, pool = (
        access.address_in(view, *place)
        for place in ((names.PRIMARY, names.SQL), (names.REPLICA, names.SQL), (names.POOL, names.POOLED))
    )
    services = {
        SERVICE: (primary, logins.application),
        f"{SERVICE}-ro": (replica, logins.application),
        f"{SERVICE}-pool": (pool, logins.application),
    }
    if not application:
        services[f"{SERVICE}-migration"] = (primary, logins.owner)
    sections = [_section(access, view, service, *each) for service, each in services.items()]
    return {SERVICE_FILE: "\n".join(sections)}


def _section(access: InstanceAccess, view: View, service: str, address: Address, login: PostgresLogin) -> str:
    settings = {
        "host": address.host,
        "port": str(address.port),
        "dbname": login.database,
        "sslmode": "verify-full",
        "sslrootcert": access.ca_file_in(view),
        "user": login.user,
        "password": login.password,
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


def permanent_logins(access: InstanceAccess) -> Logins:
    """Return the logins of the instance itself."""

    def login(role: str, database: str) -> PostgresLogin:
        return PostgresLogin(user=role, password=access.secrets.read(names.PASSWORDS[role]), database=database)

    return Logins(
        application=login(names.APP, names.DATABASE),
        owner=login(names.OWNER, names.DATABASE),
        test=login(names.TEST, names.TEST_DATABASE),
    )


def _url(address: Address, login: PostgresLogin, *, scheme: str = "postgresql", tls: str = "sslmode") -> str:
    return f"{scheme}://{login.user}:{login.password}@{address}/{login.database}?{tls}=verify-full"
