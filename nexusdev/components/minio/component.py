"""MinIO as the engine sees it: every promise of the contract, each kept by the module of its name."""

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
from nexusdev.components.minio import readiness
from nexusdev.components.minio.arguments import reads_stdin
from nexusdev.components.minio.names import NAME
from nexusdev.plan.losses import Holding
from nexusdev.ports import Site, View


class Minio:
    """The object store."""

    name = NAME
    title = "MinIO"

    def holdings(self) -> Sequence[Holding]:
        return (Holding(group="minio", what="the buckets and objects", enough=3),)

    def look(self, site: Site) -> readiness.Facts:
        return readiness.look(site)

    def judge(self, facts: readiness.Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: readiness.Facts) -> Sequence[Node]:
        return readiness.nodes(facts)

    def prepare(self, site: Site, facts: readiness.Facts) -> None:
        readiness.prepare(site, facts)

    def credentials(self, site: Site) -> Credentials:
        from nexusdev.components.minio.variables import credentials

        return credentials(site)

    def seed(self, site: Site, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.minio.seed import seed

        return seed(site)

    def apply(self, site: Site, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.minio.project import apply

        return apply(site, files)

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        from nexusdev.components.minio.variables import variables

        return variables(site, view)

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.minio.proof import prove

        return prove(site, values)

    def rotate(self, site: Site) -> Sequence[Change]:
        from nexusdev.components.minio.rotate import rotate

        return rotate(site)

    def client(self, arguments: Sequence[str]) -> Client:
        """s3cmd with the application's key: ``nexusdev s3 ls s3://nexus-app-data``."""
        return Client(
            service="minio-client",
            argv=("s3cmd", "--config=/run/secrets/s3cfg", *arguments),
            reads_stdin=reads_stdin(arguments),
        )


COMPONENT: Component = Minio()
