"""The load of MinIO: the minio package on MINIO_ENDPOINT. Each number is an object of its own.

Each number goes under a new name: MinIO keeps an object locked for up to two minutes that a killed node was just writing. Readers read one
object that is written before. There is no register.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nexusdev.components.drills import LoadClient, LoadKind
from nexusdev.components.minio.names import DATA

_PATIENCE = 3.0


class MinioLoad:
    """``components.drills.ProductLoad``."""

    kinds = (LoadKind(name="s3", path="MINIO_ENDPOINT"),)

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        _put(open_client(values), f"{mark}/read")

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        del kind
        return MinioLoadClient(values=values, folder=mark)

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        """Remove every version: the bucket keeps those of deleted objects."""
        from minio.deleteobjects import DeleteObject

        client = open_client(values)
        versions = client.list_objects(DATA.name, prefix=f"{mark}/", recursive=True, include_version=True)
        doomed = (DeleteObject(each.object_name, each.version_id) for each in versions)
        for error in client.remove_objects(DATA.name, doomed):
            raise OSError(f"{error.name}: {error.message}")


class MinioLoadClient(Struct, kw_only=True):
    """``components.drills.LoadClient``."""

    values: Mapping[str, str]
    folder: str
    minio: Any = None

    def connect(self) -> None:
        self.minio = open_client(self.values)

    def write(self, number: int) -> None:
        _put(self.minio, f"{self.folder}/numbers/{number}")

    def read(self) -> int | None:
        reply = self.minio.get_object(DATA.name, f"{self.folder}/read")
        try:
            reply.read()
        finally:
            reply.close()
            reply.release_conn()
        return None

    def stored(self) -> set[int]:
        found = self.minio.list_objects(DATA.name, prefix=f"{self.folder}/numbers/", recursive=True)
        return {int(each.object_name.rpartition("/")[2]) for each in found}

    def close(self) -> None:
        if self.minio is not None:
            self.minio._http.clear()
            self.minio = None


def _put(client: Any, name: str) -> None:
    client.put_object(DATA.name, name, io.BytesIO(b"x"), 1)


def open_client(
    values: Mapping[str, str], *, connecting: float = _PATIENCE, reading: float = _PATIENCE, connections: int = 1
) -> Any:
    """Return the minio package with the variables of the env file. Nothing is retried: the caller counts each failure.

    Args:
        values: The variables.
        connecting: Seconds to connect.
        reading: Seconds to wait for a reply.
        connections: How many connections are kept open.
    """
    from minio import Minio
    from urllib3 import PoolManager, Timeout

    return Minio(
        values["MINIO_ENDPOINT"],
        access_key=values["MINIO_ACCESS_KEY"],
        secret_key=values["MINIO_SECRET_KEY"],
        region=values["AWS_REGION"],
        http_client=PoolManager(
            ca_certs=values["NEXUSDEV_CA_FILE"],
            timeout=Timeout(connect=connecting, read=reading),
            retries=False,
            maxsize=connections,
        ),
    )
