"""MinIO as the engine sees it: every promise of the contract, each kept by the module of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    Proof,
    Readiness,
    SeedFile,
    ServiceStatus,
    Variable,
)
from nexusdev.components.minio import readiness
from nexusdev.components.minio.arguments import reads_stdin
from nexusdev.components.minio.names import NAME
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding


class Minio:
    """The object store."""

    name = NAME
    title = "MinIO"

    def holdings(self) -> Sequence[Holding]:
        return (Holding(group="minio", what="the buckets and objects", enough=3),)

    def probe(self, access: InstanceAccess) -> readiness.Facts:
        return readiness.probe(access)

    def assess(self, facts: readiness.Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: readiness.Facts) -> Sequence[ServiceStatus]:
        return readiness.statuses(facts)

    def prepare(self, access: InstanceAccess, facts: readiness.Facts) -> None:
        readiness.prepare(access, facts)

    def credentials(self, access: InstanceAccess) -> Credentials:
        from nexusdev.components.minio.variables import credentials

        return credentials(access)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.minio.seed import seed

        return seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.minio.project_seed import apply

        return apply(access, files)

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        from nexusdev.components.minio.variables import variables

        return variables(access, view)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.minio.proof import prove

        return prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.minio.rotate import rotate

        return rotate(access)

    def client(self, arguments: Sequence[str]) -> Client:
        """s3cmd with the application's key: ``nexusdev s3 ls s3://nexus-app-data``."""
        return Client(
            service="minio-client",
            argv=("s3cmd", "--config=/run/secrets/s3cfg", *arguments),
            reads_stdin=reads_stdin(arguments),
        )


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Minio()
