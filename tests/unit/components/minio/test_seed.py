"""Seeding: from nothing to what it shall be, twice the same as once, and repairs exactly what differs."""

from __future__ import annotations

import hashlib
import json

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import SeedFile
from nexusdev.components.minio.component import create
from nexusdev.components.minio.names import (
    API,
    APP_ACCESS,
    APP_POLICY,
    APP_SECRET,
    BACKUPS,
    DATA,
    MODELS,
    NONCE,
    PROJECT_POLICY,
    ROLE,
    SEEDED,
)
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import Address
from tests.unit.components.minio.world import World

COMPONENT = create({})


def file(path: str, content: bytes = b"content") -> SeedFile:
    return SeedFile(path=f"minio/{path}", content=content, sha256=hashlib.sha256(content).hexdigest())


def seed(minio: World) -> list[str]:
    return [change.what for change in COMPONENT.seed(minio.access, {})]


def apply(minio: World, *files: SeedFile) -> list[str]:
    return [change.what for change in COMPONENT.apply(minio.access, files)]


def test_seeding_creates_everything(minio: World) -> None:
    assert len(seed(minio)) == 13
    assert set(minio.memory.buckets) == {DATA.name, MODELS.name, BACKUPS.name}
    assert all("Enabled" in bucket.versioning for bucket in minio.memory.buckets.values())
    assert "<NoncurrentDays>30</NoncurrentDays>" in minio.memory.buckets[MODELS.name].lifecycle
    assert minio.memory.buckets[DATA.name].objects == {NONCE: b"c0ffee"}
    assert minio.memory.users == {"app1": {"secret": "app1secretapp1secret", "policies": [APP_POLICY]}}


def test_a_second_seeding_only_reads(minio: World) -> None:
    seed(minio)
    minio.memory.requests.clear()
    assert seed(minio) == []
    assert {request.split()[0] for request in minio.memory.requests} == {"GET"}


def test_the_application_sees_data_and_models_but_no_backups(minio: World) -> None:
    seed(minio)
    assert minio.memory.may("app1", DATA.name)
    assert minio.memory.may("app1", MODELS.name)
    assert not minio.memory.may("app1", BACKUPS.name)
    assert "*" not in json.dumps(minio.memory.policies[APP_POLICY]["Statement"][0]["Action"])


def test_the_application_configures_only_its_own_buckets(minio: World) -> None:
    seed(minio)
    for action in ("CreateBucket", "DeleteBucket", "PutLifecycleConfiguration", "PutBucketVersioning"):
        assert minio.memory.may("app1", "nexus-app-x", f"s3:{action}")
        for bucket in (DATA.name, MODELS.name, BACKUPS.name, "of-my-own"):
            assert not minio.memory.may("app1", bucket, f"s3:{action}"), bucket
    assert minio.memory.may("app1", "nexus-app-x/a/b", "s3:PutObject")
    assert not minio.memory.may("app1", "of-my-own/a/b", "s3:GetObject")


def test_the_application_sees_missing_buckets_but_not_the_backups(minio: World) -> None:
    """The server answers AccessDenied, whether a bucket exists or not, to whom neither HeadBucket nor ListBucket is allowed."""
    seed(minio)
    assert minio.memory.may("app1", "of-my-own", "s3:HeadBucket")
    assert not minio.memory.may("app1", "of-my-own", "s3:ListBucket")
    for action in ("s3:HeadBucket", "s3:GetBucketLocation", "s3:ListBucket"):
        assert not minio.memory.may("app1", BACKUPS.name, action)


def test_only_changed_settings_are_repaired(minio: World) -> None:
    seed(minio)
    minio.memory.buckets[MODELS.name].versioning = "<Status>Suspended</Status>"
    minio.memory.policies[APP_POLICY]["Statement"].pop()
    minio.memory.users["app1"]["secret"] = "somebody changed it"
    assert seed(minio) == [
        "enabled versioning for nexus-ai-models",
        "wrote policy nexus-app for nexus-app-data, nexus-ai-models, nexus-app-*",
        "created user app1",
    ]
    assert seed(minio) == []


def test_a_mark_of_another_instance_is_replaced(minio: World) -> None:
    seed(minio)
    minio.memory.buckets[DATA.name].objects[NONCE] = b"another"
    assert seed(minio) == ["wrote the instance's nonce"]


def test_a_server_refusal_is_quoted_in_seeding_failed(minio: World) -> None:
    seed(minio)
    minio.memory.buckets[DATA.name].objects.clear()
    minio.memory.refusing[DATA.name] = "NotImplemented"
    with pytest.raises(SeedingFailed, match="wrote the instance's nonce failed") as caught:
        seed(minio)
    assert "NotImplemented" in caught.value.why


def test_an_unreachable_server_raises_seeding_failed(minio: World) -> None:
    nowhere = replace(minio.access, addresses={(ROLE, API): Address(host="localhost", port=1)})
    with pytest.raises(SeedingFailed, match="does not answer"):
        COMPONENT.seed(nowhere, {})


def test_project_objects_are_uploaded_and_their_buckets_created(minio: World) -> None:
    seed(minio)
    done = apply(minio, file("nexus-app-data/hello.txt", b"hi"), file("shop-images/a/b.png"))
    assert done == [
        "created bucket shop-images",
        "enabled versioning for shop-images",
        "wrote policy nexus-app-project for shop-images",
        "attached policy nexus-app-project to user app1",
        "put minio/nexus-app-data/hello.txt",
        "put minio/shop-images/a/b.png",
    ]
    assert minio.memory.buckets[DATA.name].objects["hello.txt"] == b"hi"
    assert minio.memory.buckets["shop-images"].objects == {"a/b.png": b"content"}
    assert minio.memory.may("app1", "shop-images")


def test_objects_changed_by_the_application_are_left_alone(minio: World) -> None:
    seed(minio)
    files = (file("nexus-app-data/changed"), file("nexus-app-data/removed"))
    apply(minio, *files)
    minio.memory.buckets[DATA.name].objects["changed"] = b"by the application"
    del minio.memory.buckets[DATA.name].objects["removed"]
    assert apply(minio, *files) == []
    assert minio.memory.buckets[DATA.name].objects["changed"] == b"by the application"


def test_a_changed_file_is_uploaded_again(minio: World) -> None:
    seed(minio)
    apply(minio, file("nexus-app-data/a", b"1"), file("nexus-app-data/b", b"1"))
    assert apply(minio, file("nexus-app-data/a", b"2"), file("nexus-app-data/b", b"1")) == [
        "put minio/nexus-app-data/a"
    ]
    assert minio.memory.buckets[DATA.name].objects["a"] == b"2"
    assert set(json.loads(minio.memory.buckets[BACKUPS.name].objects[SEEDED])) == {
        "minio/nexus-app-data/a",
        "minio/nexus-app-data/b",
    }


def test_buckets_of_earlier_seeds_stay_in_the_policy(minio: World) -> None:
    seed(minio)
    apply(minio, file("one/x"))
    apply(minio, file("two/x"))
    assert minio.memory.may("app1", "one")
    assert minio.memory.may("app1", "two")


def test_a_file_outside_of_a_bucket_folder_is_refused_with_a_hint(minio: World) -> None:
    with pytest.raises(SeedingFailed, match=r"seed/minio/stray\.txt is not in a bucket folder") as caught:
        apply(minio, file("stray.txt"))
    assert "mv seed/minio/stray.txt seed/minio/nexus-app-data/" in caught.value.hint


def test_no_requests_are_sent_without_files(minio: World) -> None:
    assert apply(minio) == []
    assert minio.memory.requests == []


def test_rotation_replaces_the_key_pair_and_keeps_its_policies(minio: World) -> None:
    seed(minio)
    apply(minio, file("shop-images/x"))
    [change] = COMPONENT.rotate(minio.access)
    access_key, secret = minio.secrets.read(APP_ACCESS), minio.secrets.read(APP_SECRET)
    assert change.what == f"new key pair for the application: {access_key} replaces app1"
    assert minio.memory.users == {access_key: {"secret": secret, "policies": [APP_POLICY, PROJECT_POLICY]}}
    assert seed(minio) == []


def test_a_rotation_interrupted_before_the_switch_is_cleaned_up_by_the_next(
    minio: World,
) -> None:
    seed(minio)
    minio.memory.users["leftover"] = {"secret": "x", "policies": [APP_POLICY]}
    COMPONENT.rotate(minio.access)
    assert set(minio.memory.users) == {minio.secrets.read(APP_ACCESS)}


def test_a_rotation_interrupted_between_the_secrets_is_repaired_by_seeding(minio: World) -> None:
    seed(minio)
    minio.secrets.write(APP_SECRET, "only the secret was written")
    assert seed(minio) == ["created user app1"]
    assert seed(minio) == []
