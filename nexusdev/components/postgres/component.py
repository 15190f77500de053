"""PostgreSQL as the engine sees it: every promise of the contract, each kept by the module of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    Node,
    Proof,
    Readiness,
    SeedFile,
    Variable,
)
from nexusdev.components.postgres import names, readiness
from nexusdev.components.postgres.arguments import reads_stdin
from nexusdev.plan.losses import Holding
from nexusdev.ports import Site, View

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


class Postgres:
    """The database."""

    name = names.NAME
    title = "PostgreSQL"

    def __init__(self) -> None:
        from nexusdev.components.postgres.nudge import Nudge

        self._nudge = Nudge()

    def holdings(self) -> Sequence[Holding]:
        """etcd knows which cluster the databases are: new databases need a new etcd, and a new etcd learns from whole databases."""
        return (
            Holding(group="postgresql", what="the databases", enough=2, along=("etcd",)),
            Holding(
                group="etcd",
                what="who leads the databases",
                enough=names.QUORUM,
                source=("postgresql",),
                along=("postgresql",),
            ),
        )

    def look(self, site: Site) -> readiness.Facts:
        from nexusdev.components.postgres.look import look

        return look(site)

    def judge(self, facts: readiness.Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: readiness.Facts) -> Sequence[Node]:
        return readiness.nodes(facts)

    def prepare(self, site: Site, facts: readiness.Facts) -> None:
        self._nudge(site, facts)

    def credentials(self, site: Site) -> Credentials:
        from nexusdev.components.postgres.variables import credentials

        return credentials(site)

    def seed(self, site: Site, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.postgres.seed import seed

        return seed(site)

    def apply(self, site: Site, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.postgres.project import apply

        return apply(site, files)

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        from nexusdev.components.postgres.variables import variables

        return variables(site, view)

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.postgres.proof import prove

        return prove(site, values)

    def rotate(self, site: Site) -> Sequence[Change]:
        from nexusdev.components.postgres.rotate import rotate

        return rotate(site)

    def client(self, arguments: Sequence[str]) -> Client:
        """psql at the primary as the application; ``-U nexus_owner`` and ``-U postgres`` know their passwords too."""
        return Client(service=names.NODES[0], argv=(*_PSQL, *arguments), reads_stdin=reads_stdin(arguments))


COMPONENT: Component = Postgres()
