"""MinIO's variables for applications: MINIO_* names, and those that AWS libraries read."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.minio.light_client import AccessKey
from nexusdev.components.minio.names import API, APP_ACCESS, APP_SECRET, BUCKETS, ROLE, application
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.client_file_names import BUNDLE
from nexusdev.wire.s3 import REGION


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Return the variables with the application's key."""
    return published(access, view, application(access).key)


def published(access: InstanceAccess, view: View, key: AccessKey) -> Sequence[Variable]:
    """Return the variables for a key.

    MINIO_ENDPOINT is host:port, as MinIO's client libraries take it; the AWS form is a URL.

    The public endpoint is the host's in both views: the signature of a presigned link covers the host name, so a link for a
    browser is signed by a client of the public endpoint. Signing asks no server.
    """
    endpoint, public = access.address_in(view, ROLE, API), access.address(ROLE, API)
    access_key, secret_key = key.access_key, key.secret_key
    return (
        Variable(
            name="MINIO_ENDPOINT", first=True, value=str(endpoint), comment="host:port, TLS; signed by NEXUSDEV_CA_FILE"
        ),
        Variable(name="MINIO_ACCESS_KEY", first=True, value=access_key),
        Variable(name="MINIO_SECRET_KEY", first=True, value=secret_key, secret=True),
        Variable(name="AWS_ENDPOINT_URL_S3", value=f"https://{endpoint}"),
        Variable(
            name="MINIO_PUBLIC_ENDPOINT", value=str(public), comment="for presigned URLs that are opened on the host"
        ),
        Variable(name="S3_PUBLIC_ENDPOINT_URL", value=f"https://{public}"),
        Variable(name="AWS_ACCESS_KEY_ID", value=access_key),
        Variable(name="AWS_SECRET_ACCESS_KEY", value=secret_key, secret=True),
        Variable(name="AWS_REGION", value=REGION),
        Variable(name="AWS_DEFAULT_REGION", value=REGION, comment="for the command line and boto3"),
        Variable(name="AWS_CA_BUNDLE", value=access.client_file_in(view, BUNDLE)),
    )


def credentials(access: InstanceAccess) -> Credentials:
    """The same for Vault: the application's pair and where it is used inside the network."""
    login = {
        "access_key": access.secrets.read(APP_ACCESS),
        "secret_key": access.secrets.read(APP_SECRET),
        "endpoint": f"{ROLE}:{API}",
        "region": REGION,
        "buckets": ",".join(bucket.name for bucket in BUCKETS if bucket.application),
    }
    return {Consumer.APPLICATION: login}
