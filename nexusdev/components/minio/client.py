"""The minio package, configured to trust the instance's CA only. Imported only to change something (0.2 s)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from nexusdev.components.minio.names import API, ROLE, ROOT_PASSWORD, ROOT_USER
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.s3 import REGION

if TYPE_CHECKING:
    from minio import Minio, MinioAdmin


class Clients(Struct, frozen=True, kw_only=True):
    """The administrator's clients: for buckets and objects, and for users and policies."""

    s3: Minio
    admin: MinioAdmin


def connect(access: InstanceAccess) -> Clients:
    """Both clients, at the gateway. Nothing is sent yet."""
    from minio import Minio, MinioAdmin
    from minio.credentials.providers import StaticProvider
    from urllib3 import PoolManager, Retry, Timeout

    address, password = str(access.address(ROLE, API)), access.secrets.read(ROOT_PASSWORD)
    retry = Retry(total=4, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False)
    pool = PoolManager(ca_certs=str(access.ca_file), timeout=Timeout(connect=2, read=10), retries=retry)
    return Clients(
        s3=Minio(address, access_key=ROOT_USER, secret_key=password, region=REGION, http_client=pool),
        admin=MinioAdmin(
            endpoint=address, credentials=StaticProvider(ROOT_USER, password), region=REGION, http_client=pool
        ),
    )


@contextmanager
def refusals(doing: str) -> Iterator[None]:
    """Turn whatever a server or the way to it answers into ``SeedingFailed`` with the words of what was being done."""
    from minio.error import MinioException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (MinioException, HTTPError, OSError, ValueError) as error:
        raise SeedingFailed(
            f"MinIO: {doing} failed",
            why=str(error) or type(error).__name__,
            hint="nexusdev logs minio   show the servers' logs",
        ) from error
