"""The MinIO component: implements ``components.contract``."""

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
from nexusdev.components.minio import readiness
from nexusdev.components.minio.arguments import reads_stdin
from nexusdev.components.minio.names import CONSOLE, NAME, NODES, ROLE
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.wire.endpoint import PublishedEndpoint


class Minio(ComponentDefaults):
    """The object store."""

    name = NAME
    title = "MinIO"
    requires = ("gateway",)
    links = (
        Link(name="s3", variable="AWS_ENDPOINT_URL_S3"),
        Link(name="minio", path="/", role=ROLE, port=CONSOLE),
    )
    gateway_roles = (GatewayRole(proxy="gateway-rw", name=ROLE, backend="minio-write"),)
    # the cluster's own numbers: whichever node the gateway leads to tells them
    scrape_targets = ScrapeTargets(roles={ROLE: frozenset({"gateway-rw", NODES[0]})})

    def holdings(self) -> Sequence[Holding]:
        return (Holding(group="minio", what="the buckets and objects", enough=3),)

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> readiness.Facts:
        return readiness.probe(access, test_writes=test_writes)

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

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        from nexusdev.components.minio.quick_proof import endpoints

        return endpoints(values)

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
