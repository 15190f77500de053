"""The MinIO component: implements ``components.contract``."""

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
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.minio import probe, quick_proof, readiness, status
from nexusdev.components.minio import variables as published
from nexusdev.components.minio.arguments import reads_stdin
from nexusdev.components.minio.names import CONSOLE, GROUP, NAME, ROLE
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.losses import Holding

if TYPE_CHECKING:
    from nexusdev.components.baseline import Baseline
    from nexusdev.components.drills import ProductLoad, Scenario
    from nexusdev.components.leases import LeasePart
    from nexusdev.components.scores import Control, Score, UserSession

# The group of the container that contains the client.
_CLIENT_GROUP = "minio-client"


class Minio(ComponentDefaults):
    """The object store."""

    name = NAME
    title = "MinIO"
    requires = ("gateway",)
    links = (
        Link(name="s3", variable="AWS_ENDPOINT_URL_S3"),
        Link(name="minio", path="/", role=ROLE, port=CONSOLE),
    )
    gateway_roles = (GatewayRole(name=ROLE, backend="minio-write"),)
    # the metrics of the cluster: the gateway routes the request to any node
    scrape_targets = ScrapeTargets(roles={ROLE: GROUP}, unscraped=(_CLIENT_GROUP,))

    def holdings(self) -> Sequence[Holding]:
        return (Holding(group=GROUP, what="the buckets and objects", enough="majority"),)

    probe = staticmethod(probe.probe)
    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    prepare = staticmethod(readiness.prepare)
    credentials = staticmethod(published.credentials)
    variables = staticmethod(published.variables)
    endpoints = staticmethod(quick_proof.endpoints)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.minio.seed import seed

        return seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.minio.project_seed import apply

        return apply(access, files)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.minio.proof import prove

        return prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.minio.rotate import rotate

        return rotate(access)

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        from nexusdev.components.minio.baseline import connected_clients

        return connected_clients(access)

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        from nexusdev.components.minio.baseline import reset_data

        return reset_data(access, baseline)

    def lease_part(self) -> LeasePart:
        from nexusdev.components.minio.lease import MinioLease

        return MinioLease()

    def client(self, arguments: Sequence[str]) -> Client:
        """s3cmd with the application's key: ``nexusdev s3 ls s3://nexus-app-data``."""
        return Client(
            group=_CLIENT_GROUP,
            argv=("s3cmd", "--config=/run/secrets/s3cfg", *arguments),
            reads_stdin=reads_stdin(arguments),
        )

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.minio.scenarios import SCENARIOS

        return SCENARIOS

    def load(self) -> ProductLoad:
        from nexusdev.components.minio.load import MinioLoad

        return MinioLoad()

    def scores(self) -> Sequence[Score]:
        from nexusdev.components.minio.scores import SCORES

        return SCORES

    def controls(self) -> Sequence[Control]:
        from nexusdev.components.minio.scores import CONTROLS

        return CONTROLS

    def user_session(self, values: Mapping[str, str]) -> UserSession:
        from nexusdev.components.minio.scores import user

        return user(values)


def create(components: Mapping[str, Component]) -> Component:  # noqa: ARG001 - the signature of every component
    """Return a new component."""
    return Minio()
