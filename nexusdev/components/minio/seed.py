"""Seeds buckets, their settings, the application's policy and user, and the nonce; changes only what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.contract import Change
from nexusdev.components.https_connection import Response
from nexusdev.components.minio import desired_state
from nexusdev.components.minio.client import Clients, connect, refusals
from nexusdev.components.minio.light_client import AccessKey, S3Client, error_code
from nexusdev.components.minio.names import (
    APP_ACCESS,
    APP_POLICY,
    APP_PREFIX,
    APP_SECRET,
    BUCKETS,
    DATA,
    NONCE,
    Bucket,
    application,
    root,
)
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together

OK, MISSING = 200, 404
# The same as the client library's timeout: a loaded machine is slow here, and a failure here makes `up` fail.
_TIMEOUT = 10.0
APP_BUCKETS = tuple(bucket.name for bucket in BUCKETS if bucket.application)


class Gap(Struct, frozen=True, kw_only=True):
    """One difference from the desired state: its description, and how it is removed."""

    what: str
    close: Callable[[Clients], object]


def seed(access: InstanceAccess) -> Sequence[Change]:
    """Close every gap. Without any, a dozen requests at once and no client library."""
    gaps = tuple(find(access))
    return close(access, gaps) if gaps else ()


def close(access: InstanceAccess, gaps: Sequence[Gap]) -> Sequence[Change]:
    """Close them in their order."""
    clients = connect(access)
    for gap in gaps:
        with refusals(gap.what):
            gap.close(clients)
    return tuple(Change(what=gap.what) for gap in gaps)


def find(access: InstanceAccess) -> Iterator[Gap]:
    """What differs from the desired state, in the order in which it must be created."""
    client, access_key = replace(root(access), timeout=_TIMEOUT), access.secrets.read(APP_ACCESS)
    answers = ask(
        {
            **{f"versioning {each.name}": _asking(client, f"/{each.name}", versioning="") for each in BUCKETS},
            **{f"lifecycle {each.name}": _asking(client, f"/{each.name}", lifecycle="") for each in BUCKETS},
            "policy": _asking(client, "/minio/admin/v3/info-canned-policy", name=APP_POLICY),
            "user": _asking(client, "/minio/admin/v3/user-info", accessKey=access_key),
            "nonce": _asking(client, f"/{DATA.name}/{NONCE}"),
            "key": _asking(replace(application(access), timeout=_TIMEOUT), f"/{DATA.name}/{NONCE}"),
        }
    )
    for bucket in BUCKETS:
        yield from bucket_gaps(
            bucket.name, answers[f"versioning {bucket.name}"], answers[f"lifecycle {bucket.name}"], bucket
        )
    document = desired_state.app_policy(BUCKETS, APP_PREFIX)
    yield from policy_gaps(APP_POLICY, document, (*APP_BUCKETS, f"{APP_PREFIX}*"), answers["policy"])
    yield from _user_gaps(
        AccessKey(access_key=access_key, secret_key=access.secrets.read(APP_SECRET)), answers["user"], answers["key"]
    )
    if answers["nonce"].text != access.nonce or answers["nonce"].status != OK:
        yield Gap(
            what="wrote the instance's nonce",
            close=lambda clients: put(clients, DATA.name, NONCE, access.nonce.encode()),
        )


def ask(questions: dict[str, Callable[[], Response]]) -> dict[str, Response]:
    """All answers; ``SeedingFailed`` when the server is not there or refuses the administrator."""
    try:
        answers = together(questions)
    except OSError as error:
        raise SeedingFailed("MinIO does not answer", why=str(error), hint="nexusdev status") from error
    for answer in answers.values():
        if answer.status >= 500:  # noqa: PLR2004 - server errors
            raise SeedingFailed("MinIO cannot be seeded now", why=error_code(answer), hint="nexusdev status")
    return answers


def _asking(client: S3Client, path: str, **query: str) -> Callable[[], Response]:
    return lambda: client.request("GET", path, query=query)


def bucket_gaps(name: str, versioning: Response, lifecycle: Response | None, bucket: Bucket | None) -> Iterator[Gap]:
    """A bucket that is missing, that keeps no versions, or whose old versions never go."""
    if versioning.status == MISSING:
        yield Gap(what=f"created bucket {name}", close=lambda clients: _make_bucket(clients, name))
    if not desired_state.is_versioned(versioning.text):
        yield Gap(what=f"enabled versioning for {name}", close=lambda clients: _keep_versions(clients, name))
    if bucket and lifecycle and not desired_state.has_lifecycle(lifecycle.text, bucket):
        what = f"set the lifecycle of {name}: old versions expire after {bucket.keep_days} days"
        yield Gap(what=what, close=lambda clients: _set_lifecycle(clients, bucket))


def policy_gaps(name: str, document: dict[str, Any], buckets: Sequence[str], reply: Response) -> Iterator[Gap]:
    """A policy that is missing or differs. ``buckets`` are the names in the message."""
    current = reply.json() if reply.status == OK else {}
    if not desired_state.same_policy(current, document):
        what = f"wrote policy {name} for {', '.join(buckets)}"
        yield Gap(what=what, close=lambda clients: clients.admin.policy_add(name, policy=document))


def _user_gaps(key: AccessKey, reply: Response, tried: Response) -> Iterator[Gap]:
    """A user that is missing, has another secret or no policy."""
    refused = tried.status == 403 and error_code(tried) in ("InvalidAccessKeyId", "SignatureDoesNotMatch")  # noqa: PLR2004 - HTTP
    user = reply.json() if reply.status == OK else {}
    if not user or refused or user.get("status") != "enabled":
        yield Gap(
            what=f"created user {key.access_key}",
            close=lambda clients: clients.admin.user_add(key.access_key, key.secret_key),
        )
    yield from attach_gaps(key.access_key, APP_POLICY, str(user.get("policyName") or ""))


def attach_gaps(access_key: str, policy: str, attached: str) -> Iterator[Gap]:
    """A policy that the user does not have yet; ``attached`` is the server's list, with commas."""
    if policy not in attached.split(","):
        what = f"attached policy {policy} to user {access_key}"
        yield Gap(what=what, close=lambda clients: clients.admin.attach_policy([policy], user=access_key))


def put(
    clients: Clients, bucket: str, name: str, content: bytes, content_type: str = "application/octet-stream"
) -> None:
    """Write one object."""
    clients.s3.put_object(bucket, name, BytesIO(content), len(content), content_type=content_type)


def _make_bucket(clients: Clients, name: str) -> None:
    """Create it unless it exists: another process may have created it meanwhile."""
    if not clients.s3.bucket_exists(name):
        clients.s3.make_bucket(name)


def _keep_versions(clients: Clients, name: str) -> None:
    from minio.commonconfig import ENABLED
    from minio.versioningconfig import VersioningConfig

    clients.s3.set_bucket_versioning(name, VersioningConfig(ENABLED))


def _set_lifecycle(clients: Clients, bucket: Bucket) -> None:
    """Old versions go after a while, and so do delete markers with nothing behind them."""
    from minio.commonconfig import ENABLED, Filter
    from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule

    rule = Rule(
        status=ENABLED,
        rule_id="old-versions",
        rule_filter=Filter(prefix=""),
        expiration=Expiration(expired_object_delete_marker=True),
        noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=bucket.keep_days),
    )
    clients.s3.set_bucket_lifecycle(bucket.name, LifecycleConfig([rule]))
