"""The quick proof: each database URL leads to this instance, the read-only one to a replica and the others to the primary."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from nexusdev.wire import ServerError, postgres, tls
from nexusdev.wire.endpoint import EnvValues, PublishedEndpoint, Question

#: Variable with a URL → whether its server must be a replica. The full proof checks the same.
PUBLISHED = {
    "DATABASE_URL": False,
    "DATABASE_RO_URL": True,
    "DATABASE_POOL_URL": False,
    "DATABASE_MIGRATION_URL": False,
    "DATABASE_TEST_URL": False,
}
#: Variables whose nonce is in another database than the application's: test runners drop and create their own.
DATABASES = {"DATABASE_TEST_URL": "postgres"}
#: PgBouncer forwards this query.
NONCE_AND_ROLE = "SELECT nonce, pg_is_in_recovery() FROM nexusdev.instance"


def endpoints(values: EnvValues) -> Iterator[PublishedEndpoint]:
    """Yield each database URL among the variables, and libpq's own variables where they name another login than DATABASE_URL."""
    if "PGHOST" in values:
        own = f"postgresql://{values['PGUSER']}:{values['PGPASSWORD']}@{values['PGHOST']}:{values['PGPORT']}/"
        if not values.get("DATABASE_URL", "").startswith(own):
            yield PublishedEndpoint("PGHOST", own, _question(own, values["PGDATABASE"], replica=False))
    for name in PUBLISHED:
        if name in values:
            database = DATABASES.get(name, values["PGDATABASE"])
            question = _question(values[name], database, replica=leads_to_replica(name, values))
            yield PublishedEndpoint(name, values[name], question)


def leads_to_replica(name: str, values: EnvValues) -> bool:
    """Whether a replica must be behind the URL of this variable. A stack without replicas says so in its variables."""
    return PUBLISHED[name] and values.get("DATABASE_REPLICAS") != "0"


def _question(url: str, database: str, *, replica: bool) -> Question:
    """Ask with the login that the URL itself carries."""
    user, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")

    def ask(place: tls.HostPort, _: EnvValues, context: ssl.SSLContext, timeout: float) -> str:
        with postgres.connect(
            address=place,
            database=database,
            user=user,
            password=password,
            context=context,
            timeout=timeout,
        ) as session:
            rows = session.ask(NONCE_AND_ROLE)
        if rows and (rows[0][1] == "t") != replica:
            raise ServerError(
                "it leads to the primary, not to a replica" if replica else "it leads to a replica, not to the primary"
            )
        return (rows[0][0] or "") if rows else ""

    return ask
