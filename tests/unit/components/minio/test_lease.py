"""The rights of a lease's key in MinIO, and the archive that brings it."""

from __future__ import annotations

import io
import json
import zipfile

from nexusdev.components.leases import Slice
from nexusdev.components.minio.desired_state import lease_policy
from nexusdev.components.minio.lease import _identity, bucket

SLICE = Slice(id="a123456789", seed="seed")


def test_a_lease_may_use_its_bucket_and_those_prefixed_with_its_name() -> None:
    resources = {name for each in lease_policy("nexus-lease-a")["Statement"] for name in each["Resource"]}
    own = "arn:aws:s3:::nexus-lease-a"
    assert resources == {own, f"{own}--*", f"{own}/*", f"{own}--*/*"}
    assert {each["Effect"] for each in lease_policy("nexus-lease-a")["Statement"]} == {"Allow"}


def test_a_lease_cannot_lock_objects() -> None:
    actions = {action for each in lease_policy("nexus-lease-a")["Statement"] for action in each["Action"]}
    assert "s3:CreateBucket" in actions
    assert not any("Lock" in action and action.startswith("s3:Put") for action in actions)


def test_the_archive_has_the_policy_the_user_and_their_link() -> None:
    with zipfile.ZipFile(io.BytesIO(_identity(SLICE))) as archive:
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    name, key = bucket(SLICE), "lease-a123456789"
    assert files["iam-assets/policies.json"] == {name: lease_policy(name)}
    assert files["iam-assets/users.json"][key]["secretKey"] == SLICE.secret("minio", 40)
    assert files["iam-assets/user_mappings.json"] == {key: {"version": 1, "policy": name}}
