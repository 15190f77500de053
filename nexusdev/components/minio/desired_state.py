"""The desired policies and bucket settings of the object store, as plain documents that can be compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nexusdev.components.minio.names import Bucket

_OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
)
_BUCKET = (
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
)


# Actions that change the bucket itself. MinIO's handlers determine which of these a client needs to read its own settings: lifecycle, tags and
# notifications have separate actions; CORS has none, and encryption is on for every bucket.
_SETTINGS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketTagging",
    "s3:GetLifecycleConfiguration",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
)
_CHANGES = tuple(action for action in _SETTINGS if not action.startswith("s3:Get"))
# With `s3:HeadBucket`, the server reports whether a bucket exists to a key that may not list it.
_EXISTENCE = ("s3:GetBucketLocation", "s3:HeadBucket")


def app_policy(buckets: Iterable[Bucket], prefix: str) -> dict[str, Any]:
    """The application's rights.

    It reads, writes and lists in the platform's buckets that are for it, without changing their settings. Buckets whose names begin with
    the prefix are its own: it creates, lists, configures and deletes them. It learns whether any other bucket exists, but for those of the
    platform that are not for applications, and sees neither the names nor the content of their objects.

    Args:
        buckets: The platform's buckets.
        prefix: What the names of the application's own buckets begin with.

    Returns:
        The policy document.
    """
    platform = sorted(buckets, key=lambda bucket: bucket.name)
    seen = [bucket.name for bucket in platform if bucket.application]
    own = f"{prefix}*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            *policy(seen)["Statement"],
            _allow((*_BUCKET, *_SETTINGS), [own]),
            _allow(_OBJECTS, [f"{own}/*"]),
            _allow(_EXISTENCE, ["*"]),
            _deny(_CHANGES, [bucket.name for bucket in platform]),
            _deny(_EXISTENCE, [bucket.name for bucket in platform if not bucket.application]),
        ],
    }


def lease_policy(bucket: str) -> dict[str, Any]:
    """The rights of a lease: all of its own bucket, and of buckets whose names begin with its name and two dashes.

    No ids of leases contain a dash, so no lease's buckets begin like this. A bucket with object lock could not be removed: nobody may make one.
    """
    settings = [action for action in _SETTINGS if action != "s3:PutBucketObjectLockConfiguration"]
    names = [bucket, f"{bucket}--*"]
    return {
        "Version": "2012-10-17",
        "Statement": [_allow((*_BUCKET, *settings), names), _allow(_OBJECTS, [f"{name}/*" for name in names])],
    }


def _allow(actions: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": [f"arn:aws:s3:::{name}" for name in names]}


def _deny(actions: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    return {**_allow(actions, names), "Effect": "Deny"}


def policy(buckets: Iterable[str]) -> dict[str, Any]:
    """Read, write and list in these buckets; their settings cannot be changed and no other bucket is seen."""
    names = sorted(set(buckets))
    return {
        "Version": "2012-10-17",
        "Statement": [_allow(_BUCKET, names), _allow(_OBJECTS, [f"{name}/*" for name in names])],
    }


def same_policy(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents are equal, except for the order of lists."""
    return _statements(one) == _statements(other)


def buckets_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The buckets that a policy made by ``policy`` names."""
    resources = (resource for _, _, several in _statements(document) for resource in several)
    return tuple(sorted({resource.removeprefix("arn:aws:s3:::").partition("/")[0] for resource in resources}))


def has_lifecycle(text: str, bucket: Bucket) -> bool:
    """Whether the rules that a server gave back are ours."""
    rules = re.findall(r"<Rule>.*?</Rule>", text, re.DOTALL)
    days = re.findall(r"<NoncurrentDays>(\d+)</NoncurrentDays>", text)
    return len(rules) == 1 and days == [str(bucket.keep_days)] and "<ExpiredObjectDeleteMarker>true" in text


def is_versioned(text: str) -> bool:
    """Whether a reply to ``?versioning`` means that versions are kept."""
    return "<Status>Enabled</Status>" in text


def _statements(document: Mapping[str, Any]) -> set[tuple[str, frozenset[str], frozenset[str]]]:
    listed: Sequence[Mapping[str, Any]] = document.get("Statement") or []
    return {(str(each.get("Effect")), _texts(each.get("Action")), _texts(each.get("Resource"))) for each in listed}


def _texts(value: object) -> frozenset[str]:
    several = [value] if isinstance(value, str) else value
    return frozenset(str(each) for each in several) if isinstance(several, list) else frozenset()
