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


def test_everything_is_made_once(minio: World) -> None:
    assert len(seed(minio)) == 13
    assert set(minio.memory.buckets) == {DATA.name, MODELS.name, BACKUPS.name}
    assert all("Enabled" in bucket.versioning for bucket in minio.memory.buckets.values())
    assert "<NoncurrentDays>30</NoncurrentDays>" in minio.memory.buckets[MODELS.name].lifecycle
    assert minio.memory.buckets[DATA.name].objects == {NONCE: b"c0ffee"}
    assert minio.memory.users == {"app1": {"secret": "app1secretapp1secret", "policies": [APP_POLICY]}}


def test_a_second_time_changes_nothing_and_sends_nothing_but_questions(minio: World) -> None:
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


def test_the_application_configures_buckets_of_its_own_and_none_of_the_platform(minio: World) -> None:
    seed(minio)
    for action in ("CreateBucket", "DeleteBucket", "PutLifecycleConfiguration", "PutBucketVersioning"):
        assert minio.memory.may("app1", "nexus-app-x", f"s3:{action}")
        for bucket in (DATA.name, MODELS.name, BACKUPS.name, "of-my-own"):
            assert not minio.memory.may("app1", bucket, f"s3:{action}"), bucket
    assert minio.memory.may("app1", "nexus-app-x/a/b", "s3:PutObject")
    assert not minio.memory.may("app1", "of-my-own/a/b", "s3:GetObject")


def test_the_application_learns_that_a_bucket_does_not_exist_but_nothing_of_the_backups(minio: World) -> None:
    """The server answers AccessDenied, whether a bucket exists or not, to whom neither HeadBucket nor ListBucket is allowed."""
    seed(minio)
    assert minio.memory.may("app1", "of-my-own", "s3:HeadBucket")
    assert not minio.memory.may("app1", "of-my-own", "s3:ListBucket")
    for action in ("s3:HeadBucket", "s3:GetBucketLocation", "s3:ListBucket"):
        assert not minio.memory.may("app1", BACKUPS.name, action)


def test_only_what_was_spoiled_is_repaired(minio: World) -> None:
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


def test_a_server_that_refuses_is_a_failed_seed_with_its_words(minio: World) -> None:
    seed(minio)
    minio.memory.buckets[DATA.name].objects.clear()
    minio.memory.refusing[DATA.name] = "NotImplemented"
    with pytest.raises(SeedingFailed, match="wrote the instance's nonce failed") as caught:
        seed(minio)
    assert "NotImplemented" in caught.value.why


def test_a_server_that_is_not_there_is_a_failed_seed(minio: World) -> None:
    nowhere = replace(minio.access, addresses={(ROLE, API): Address(host="localhost", port=1)})
    with pytest.raises(SeedingFailed, match="does not answer"):
        COMPONENT.seed(nowhere, {})


def test_a_projects_objects_are_put_and_its_buckets_made(minio: World) -> None:
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


def test_an_object_that_the_application_changed_or_removed_is_left_alone(minio: World) -> None:
    seed(minio)
    files = (file("nexus-app-data/changed"), file("nexus-app-data/removed"))
    apply(minio, *files)
    minio.memory.buckets[DATA.name].objects["changed"] = b"by the application"
    del minio.memory.buckets[DATA.name].objects["removed"]
    assert apply(minio, *files) == []
    assert minio.memory.buckets[DATA.name].objects["changed"] == b"by the application"


def test_a_file_with_another_content_is_put_again(minio: World) -> None:
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


def test_a_file_outside_of_any_bucket_is_told_where_to_go(minio: World) -> None:
    with pytest.raises(SeedingFailed, match=r"seed/minio/stray\.txt is not in a bucket folder") as caught:
        apply(minio, file("stray.txt"))
    assert "mv seed/minio/stray.txt seed/minio/nexus-app-data/" in caught.value.hint


def test_without_files_nothing_is_asked(minio: World) -> None:
    assert apply(minio) == []
    assert minio.memory.requests == []


def test_a_rotation_gives_a_new_pair_with_the_same_policies_and_ends_the_old_one(minio: World) -> None:
    seed(minio)
    apply(minio, file("shop-images/x"))
    [change] = COMPONENT.rotate(minio.access)
    access_key, secret = minio.secrets.read(APP_ACCESS), minio.secrets.read(APP_SECRET)
    assert change.what == f"new key pair for the application: {access_key} replaces app1"
    assert minio.memory.users == {access_key: {"secret": secret, "policies": [APP_POLICY, PROJECT_POLICY]}}
    assert seed(minio) == []


def test_a_rotation_that_was_cut_off_before_the_switch_leaves_the_old_pair_and_is_cleaned_by_the_next(
    minio: World,
) -> None:
    seed(minio)
    minio.memory.users["leftover"] = {"secret": "x", "policies": [APP_POLICY]}
    COMPONENT.rotate(minio.access)
    assert set(minio.memory.users) == {minio.secrets.read(APP_ACCESS)}


def test_a_rotation_that_was_cut_off_between_the_two_secrets_is_repaired_by_seeding(minio: World) -> None:
    seed(minio)
    minio.secrets.write(APP_SECRET, "only the secret was written")
    assert seed(minio) == ["created user app1"]
    assert seed(minio) == []
