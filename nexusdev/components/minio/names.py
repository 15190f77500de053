"""MinIO's names: group, role, ports, buckets, users and secrets. The nodes come from the stack.

The role name, ports and buckets are what applications and the servers' own configuration use; the names of secrets are those of
``compose/minio/compose.yaml``.
Tests fail if they ask for a name that the files do not have (``tests/access.py``).
"""

from __future__ import annotations

from msgspec import Struct

from nexusdev.components.minio import quick_proof
from nexusdev.components.minio.light_client import AccessKey, S3Client
from nexusdev.interfaces import InstanceAccess

NAME = "minio"
ROLE = "minio-api"
API = 9000
CONSOLE = 9001
GROUP = "minio"

ROOT_USER = "nexus-root"
ROOT_PASSWORD = "minio-root-password"  # noqa: S105 - a secret's name
APP_ACCESS = "minio-app-access"
APP_SECRET = "minio-app-secret"  # noqa: S105 - a secret's name
APP_POLICY = "nexus-app"
PROJECT_POLICY = "nexus-app-project"

NONCE = quick_proof.NONCE
CANARY = ".nexusdev/canary"
SEEDED = ".nexusdev/seeded.json"


class Bucket(Struct, frozen=True, kw_only=True):
    """A bucket of the platform.

    Attributes:
        application: Whether the application's user sees it.
        keep_days: Days for which an overwritten or deleted version can be restored.
    """

    name: str
    application: bool
    keep_days: int


# The application may create, configure and delete buckets with this prefix, but not the platform's buckets.
APP_PREFIX = "nexus-app-"

DATA = Bucket(name=quick_proof.DATA, application=True, keep_days=7)
MODELS = Bucket(name="nexus-ai-models", application=True, keep_days=30)
BACKUPS = Bucket(name=quick_proof.BACKUPS, application=False, keep_days=7)
BUCKETS = (DATA, MODELS, BACKUPS)


def nodes(access: InstanceAccess) -> tuple[str, ...]:
    """Return the nodes, by ordinal. Each has one drive."""
    return access.topology.members(NAME, GROUP)


def write_quorum(access: InstanceAccess) -> int:
    """Return the number of drives that a write needs: the data drives, and one more if half of the drives hold parity.

    The parity is that of the compose file (``MINIO_STORAGE_CLASS_STANDARD: EC:2``).
    Source: https://min.io/docs/minio/linux/operations/concepts/erasure-coding.html
    """
    names = nodes(access)
    if len(names) == 1:
        return 1
    parity = int(access.topology.services[names[0]].environment["MINIO_STORAGE_CLASS_STANDARD"].removeprefix("EC:"))
    data = len(names) - parity
    return data + 1 if data == parity else data


def root(access: InstanceAccess) -> S3Client:
    """The administrator's way in, through the gateway."""
    return S3Client(
        access=access,
        address=access.address(ROLE, API),
        key=AccessKey(access_key=ROOT_USER, secret_key=access.secrets.read(ROOT_PASSWORD)),
    )


def application(access: InstanceAccess) -> S3Client:
    """The application's way in, through the gateway."""
    key = AccessKey(access_key=access.secrets.read(APP_ACCESS), secret_key=access.secrets.read(APP_SECRET))
    return S3Client(access=access, address=access.address(ROLE, API), key=key)
