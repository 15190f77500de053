"""The PostgreSQL component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    ScrapeTargets,
    SeedFile,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.postgres import names, probe, quick_proof, readiness, status
from nexusdev.components.postgres import variables as published
from nexusdev.components.postgres.arguments import reads_stdin
from nexusdev.components.postgres.wakeup import Nudge
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding

if TYPE_CHECKING:
    from nexusdev.components.baseline import Baseline
    from nexusdev.components.drills import Fencing, ProductLoad, Scenario
    from nexusdev.components.dynamic_logins import DynamicLogins, IssuedLogin
    from nexusdev.components.leases import LeasePart
    from nexusdev.components.scores import Control, Score, UserSession

# libpq ignores a password file that others can read. A pod's secrets belong to its group, so psql gets a copy of its own.
_PRIVATE_PASSWORDS = 'umask 077 && cat /run/secrets/postgres-pgpass >"$PGPASSFILE.$$" && mv "$PGPASSFILE.$$" "$PGPASSFILE" && exec psql "$@"'
_PSQL = (
    "env",
    f"PGHOST={names.PRIMARY}",
    f"PGDATABASE={names.DATABASE}",
    f"PGUSER={names.APP}",
    "PGSSLMODE=verify-full",
    "PGSSLROOTCERT=/run/tls/ca.crt",
    "PGPASSFILE=/tmp/.pgpass",
    "PSQL_HISTORY=/tmp/.psql_history",
    "sh",
    "-c",
    _PRIVATE_PASSWORDS,
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
        GatewayRole(name=names.PRIMARY, backend="postgresql-primary"),
        GatewayRole(name=names.REPLICA, backend="postgresql-replica"),
    )
    scrape_targets = ScrapeTargets(
        through={"postgres": ("postgres-exporter",), "pgbouncer": ("pgbouncer-exporter",)},
        silent=("pg_up", "pgbouncer_up"),
    )

    probe = staticmethod(probe.probe)
    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    credentials = staticmethod(published.credentials)
    variables = staticmethod(published.variables)
    client_files = staticmethod(published.client_files)
    endpoints = staticmethod(quick_proof.endpoints)

    def __init__(self) -> None:
        self._nudge = Nudge()

    def holdings(self) -> Sequence[Holding]:
        """etcd knows which cluster the databases are: new databases need a new etcd, and a new etcd learns from whole databases."""
        return (
            Holding(group="postgresql", what="the databases", enough="majority", along=("etcd",)),
            Holding(
                group="etcd",
                what="the cluster state of Patroni",
                enough="majority",
                source=("postgresql",),
                along=("postgresql",),
            ),
        )

    def prepare(self, access: InstanceAccess, facts: readiness.Facts) -> None:
        self._nudge(access, facts)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.postgres.seed import seed

        return seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.postgres.project_seed import apply

        return apply(access, files)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.postgres.proof import prove

        return prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.postgres.rotate import rotate

        return rotate(access)

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        from nexusdev.components.postgres.baseline import connected_clients

        return connected_clients(access)

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        from nexusdev.components.postgres.baseline import reset_data

        return reset_data(access, baseline)

    def lease_part(self) -> LeasePart:
        from nexusdev.components.postgres.lease import PostgresLease

        return PostgresLease()

    def client(self, arguments: Sequence[str]) -> Client:
        """psql at the primary as the application; ``-U nexus_owner`` and ``-U postgres`` know their passwords too."""
        return Client(group=names.NODE_GROUP, argv=(*_PSQL, *arguments), reads_stdin=reads_stdin(arguments))

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.postgres.scenarios import SCENARIOS

        return SCENARIOS

    def load(self) -> ProductLoad:
        from nexusdev.components.postgres.load import PostgresLoad

        return PostgresLoad()

    def dynamic_logins(self) -> DynamicLogins:
        from nexusdev.components.postgres.issuer import dynamic_logins

        return dynamic_logins()

    def set_issuer_password(self, access: InstanceAccess, password: str) -> None:
        from nexusdev.components.postgres.issuer import set_issuer_password

        set_issuer_password(access, password)

    def dynamic_variables(
        self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin], *, folder: str = ""
    ) -> Sequence[Variable]:
        from nexusdev.components.postgres.issuer import dynamic_variables

        return dynamic_variables(access, view, issued, folder=folder)

    def dynamic_files(self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin]) -> Mapping[str, str]:
        from nexusdev.components.postgres.issuer import dynamic_files

        return dynamic_files(access, view, issued)

    def fence(self, access: InstanceAccess, service: str) -> Fencing:
        from nexusdev.components.postgres.fencing import fence

        return fence(access, service)

    def scores(self) -> Sequence[Score]:
        from nexusdev.components.postgres.scores import SCORES

        return SCORES

    def controls(self) -> Sequence[Control]:
        from nexusdev.components.postgres.scores import CONTROLS

        return CONTROLS

    def user_session(self, values: Mapping[str, str]) -> UserSession:
        from nexusdev.components.postgres.scores import user

        return user(values)


def create(components: Mapping[str, Component]) -> Component:  # noqa: ARG001 - the signature of every component
    """Return a new component."""
    return Postgres()
