"""MinIO's part of a lease: a bucket, and a user that sees only this bucket and those whose names begin with its name and two dashes.

Policy, user and their link arrive in one request, as an archive of identity settings: the other way in (``add-user``) derives a key that takes both
sides 64 MB and 0.3 s.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from nexusdev.components.contract import Variable
from nexusdev.components.https_connection import Response
from nexusdev.components.leases import LeasePartDefaults, Slice, hint
from nexusdev.components.minio import desired_state, variables
from nexusdev.components.minio.light_client import AccessKey, S3Client, error_code
from nexusdev.components.minio.names import root
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess, View

#: What the buckets of every lease begin with.
PREFIX = "nexus-lease-"
_MISSING = 404
_ERROR = 400


class MinioLease(LeasePartDefaults):
    """Implements ``components.leases.LeasePart``. The policy is created first and removed last: it marks what exists of a slice."""

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        del template
        with administrator(access, "creating the bucket of a lease") as client:
            send(client, "PUT", "/minio/admin/v3/import-iam", body=_identity(slice_))
            send(client, "PUT", f"/{bucket(slice_)}")
        return {}

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        with administrator(access, "emptying the bucket of a lease") as client:
            _remove_buckets(client, bucket(slice_))
            send(client, "PUT", f"/{bucket(slice_)}")

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        name = bucket(slice_)
        with administrator(access, "removing the bucket of a lease") as client:
            key = {"accessKey": _key(slice_).access_key}
            send(client, "DELETE", "/minio/admin/v3/remove-user", query=key, missing=True)
            _remove_buckets(client, name)
            send(client, "DELETE", "/minio/admin/v3/remove-canned-policy", query={"name": name}, missing=True)

    def found(self, access: InstanceAccess) -> frozenset[str]:
        with administrator(access, "listing the policies of leases") as client:
            policies = send(client, "GET", "/minio/admin/v3/list-canned-policies").json()
        return frozenset(name.removeprefix(PREFIX) for name in policies if name.startswith(PREFIX))

    def describe(self, slice_: Slice) -> str:
        return bucket(slice_)

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        own = Variable(name="S3_BUCKET", value=bucket(slice_), comment="the only bucket that this key sees")
        return (*variables.published(access, View.HOST, _key(slice_)), own)


def bucket(slice_: Slice) -> str:
    """Return the name of the slice's bucket, which its policy has too."""
    return f"{PREFIX}{slice_.id}"


def _key(slice_: Slice) -> AccessKey:
    return AccessKey(access_key=f"lease-{slice_.id}", secret_key=slice_.secret("minio", 40))


def _identity(slice_: Slice) -> bytes:
    """Return the archive with the policy, the user and their link, as ``mc admin cluster iam export`` writes it."""
    name, key = bucket(slice_), _key(slice_)
    files = {
        "policies": {name: desired_state.lease_policy(name)},
        "users": {key.access_key: {"secretKey": key.secret_key, "status": "enabled"}},
        "user_mappings": {key.access_key: {"version": 1, "policy": name}},
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file, document in files.items():
            archive.writestr(f"iam-assets/{file}.json", json.dumps(document))
    return content.getvalue()


def _remove_buckets(client: S3Client, name: str) -> None:
    """Remove the slice's buckets with all that is in them."""
    for each in bucket_names(client):
        if each == name or each.startswith(f"{name}--"):
            remove_bucket(client, each)


def bucket_names(client: S3Client) -> list[str]:
    """Return the names of all buckets."""
    return re.findall(r"<Name>([^<]+)</Name>", send(client, "GET", "/").text)


def remove_bucket(client: S3Client, name: str) -> None:
    """Remove a bucket with all versions of its objects."""
    send(client, "DELETE", f"/{name}", headers={"x-minio-force-delete": "true"}, missing=True)


def send(
    client: S3Client,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    missing: bool = False,
) -> Response:
    """Send a request that must succeed; with ``missing``, what it is about need not exist."""
    response = client.request(method, path, query=query, body=body, headers=headers)
    if response.status >= _ERROR and not (missing and response.status == _MISSING):
        raise ValueError(f"{error_code(response)} ({method} {path})")
    return response


def _is_open(client: S3Client) -> bool:
    return client.connection is not None and client.connection.is_open()


@contextmanager
def administrator(access: InstanceAccess, doing: str) -> Iterator[S3Client]:
    """Open the administrator's connection. ``doing`` completes the sentence ``MinIO: … failed`` in an error."""
    try:
        client = replace(root(access), timeout=10.0)
        with access.sessions.use("minio", client.keep_alive, _is_open) as connected:
            yield connected
    except (OSError, ValueError) as error:
        raise SeedingFailed(
            f"MinIO: {doing} failed", why=str(error), hint=hint("MinIO", "minio", str(error))
        ) from error
