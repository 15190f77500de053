"""The PostgreSQL component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    Readiness,
    ScrapeTargets,
    SeedFile,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.postgres import names, readiness
from nexusdev.components.postgres.arguments import reads_stdin
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.wire.endpoint import PublishedEndpoint

_PSQL = (
    "env",
    f"PGHOST={names.PRIMARY}",
    f"PGDATABASE={names.DATABASE}",
    f"PGUSER={names.APP}",
    "PGSSLMODE=verify-full",
    "PGSSLROOTCERT=/run/tls/ca.crt",
    "PGPASSFILE=/run/secrets/postgres-pgpass",
    "PSQL_HISTORY=/tmp/.psql_history",
    "psql",
)


class Postgres(ComponentDefaults):
    """The database."""

    name = names.NAME
    title = "PostgreSQL"
    requires = ("gateway",)
    links = (
        Link(name="postgres", variable="DATABASE_URL"),
        Link(name="postgres-replica", variable="DATABASE_RO_URL"),
        Link(name="postgres-pool", variable="DATABASE_POOL_URL"),
    )
    gateway_roles = (
        GatewayRole(proxy="gateway-rw", name=names.PRIMARY, backend="postgresql-primary"),
        GatewayRole(proxy="gateway-ro", name=names.REPLICA, backend="postgresql-replica"),
    )
    scrape_targets = ScrapeTargets(
        through={"postgres": "postgres-exporter-{}", "pgbouncer": "pgbouncer-exporter"},
        silent=("pg_up", "pgbouncer_up"),
    )

    def __init__(self) -> None:
        from nexusdev.components.postgres.wakeup import Nudge

        self._nudge = Nudge()

    def holdings(self) -> Sequence[Holding]:
        """etcd knows which cluster the databases are: new databases need a new etcd, and a new etcd learns from whole databases."""
        return (
            Holding(group="postgresql", what="the databases", enough=2, along=("etcd",)),
            Holding(
                group="etcd",
                what="the cluster state of Patroni",
                enough=names.QUORUM,
                source=("postgresql",),
                along=("postgresql",),
            ),
        )

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        from nexusdev.components.postgres.probe import probe

        return probe(access, test_writes=test_writes)

    def assess(self, facts: readiness.Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: readiness.Facts) -> Sequence[ServiceStatus]:
        return readiness.statuses(facts)

    def prepare(self, access: InstanceAccess, facts: readiness.Facts) -> None:
        self._nudge(access, facts)

    def credentials(self, access: InstanceAccess) -> Credentials:
        from nexusdev.components.postgres.variables import credentials

        return credentials(access)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.postgres.seed import seed

        return seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.postgres.project_seed import apply

        return apply(access, files)

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        from nexusdev.components.postgres.variables import variables

        return variables(access, view)

    def client_files(self, access: InstanceAccess, view: View) -> Mapping[str, str]:
        from nexusdev.components.postgres.variables import client_files

        return client_files(access, view)

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        from nexusdev.components.postgres.quick_proof import endpoints

        return endpoints(values)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.postgres.proof import prove

        return prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.postgres.rotate import rotate

        return rotate(access)

    def client(self, arguments: Sequence[str]) -> Client:
        """psql at the primary as the application; ``-U nexus_owner`` and ``-U postgres`` know their passwords too."""
        return Client(service=names.NODES[0], argv=(*_PSQL, *arguments), reads_stdin=reads_stdin(arguments))


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Postgres()
