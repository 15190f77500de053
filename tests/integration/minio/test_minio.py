"""MinIO as it really runs: what the application may, what is encrypted, how few nodes are enough, what a new key pair costs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project
from tests.selection import examples

pytestmark = pytest.mark.integration

DATA, MODELS, BACKUPS = "nexus-app-data", "nexus-ai-models", "nexus-backups"
NODES = ("minio-0", "minio-1", "minio-2", "minio-3")


@pytest.fixture
def s3(variables: Mapping[str, str]) -> Iterator[Any]:
    """The application's own client."""
    client = app.s3_client(variables)
    yield client
    client.close()


def refusal(call: Any, **arguments: Any) -> str:
    """The code with which the server refuses."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def states(project: Project) -> dict[str, str]:
    rows = project.run("status", "--json").data["nodes"]
    return {row["service"]: row["state"] for row in rows if row["service"] in NODES}


def test_the_application_sees_its_buckets_but_not_the_backups(s3: Any) -> None:
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} >= {DATA, MODELS}
    assert BACKUPS not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert refusal(s3.list_objects_v2, Bucket=BACKUPS) == "AccessDenied"
    assert refusal(s3.put_object, Bucket=BACKUPS, Key="x", Body=b"x") == "AccessDenied"


def test_the_application_changes_objects_but_no_settings(s3: Any) -> None:
    assert refusal(s3.create_bucket, Bucket="of-my-own") == "AccessDenied"
    assert refusal(s3.delete_bucket, Bucket=MODELS) == "AccessDenied"
    assert refusal(s3.delete_bucket_lifecycle, Bucket=DATA) == "AccessDenied"
    suspended = {"Status": "Suspended"}
    assert refusal(s3.put_bucket_versioning, Bucket=DATA, VersioningConfiguration=suspended) == "AccessDenied"


def test_the_application_creates_configures_and_removes_its_own_buckets(s3: Any) -> None:
    name = f"nexus-app-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    rule = {"ID": "soon", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "team", "Value": "shop"}]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["ID"] == "soon"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "team", "Value": "shop"}]
    assert name in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    version = s3.put_object(Bucket=name, Key="a/b", Body=b"x")["VersionId"]
    s3.delete_object(Bucket=name, Key="a/b", VersionId=version)
    s3.delete_bucket_lifecycle(Bucket=name)
    s3.delete_bucket(Bucket=name)
    assert name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_a_missing_bucket_is_told_apart_from_a_forbidden_one(variables: Mapping[str, str], s3: Any) -> None:
    import urllib3
    from minio import Minio
    from minio.error import S3Error

    client = Minio(
        variables["MINIO_ENDPOINT"],
        access_key=variables["MINIO_ACCESS_KEY"],
        secret_key=variables["MINIO_SECRET_KEY"],
        http_client=urllib3.PoolManager(ca_certs=variables["NEXUSDEV_CA_FILE"]),
    )
    assert client.bucket_exists(DATA)
    assert not client.bucket_exists("own")
    assert not client.bucket_exists("nexus-app-none")
    with pytest.raises(S3Error, match="Access"):
        client.bucket_exists(BACKUPS)
    assert refusal(s3.head_bucket, Bucket="own") == "404"
    assert refusal(s3.head_bucket, Bucket=BACKUPS) == "403"


def test_the_application_cannot_read_foreign_buckets(project: Project, variables: Mapping[str, str], s3: Any) -> None:
    password = project.run("secrets", "show", "minio-root-password").out.strip()
    root = {"AWS_ACCESS_KEY_ID": "nexus-root", "AWS_SECRET_ACCESS_KEY": password}
    admin = app.s3_client({**variables, **root})
    admin.create_bucket(Bucket="of-others")
    admin.put_object(Bucket="of-others", Key="secret-plan", Body=b"x")
    try:
        assert s3.head_bucket(Bucket="of-others")
        for call in (s3.list_objects, s3.list_objects_v2, s3.list_object_versions, s3.list_multipart_uploads):
            assert refusal(call, Bucket="of-others") == "AccessDenied"
        assert refusal(s3.list_objects_v2, Bucket="of-others", Prefix="secret") == "AccessDenied"
        assert refusal(s3.get_object, Bucket="of-others", Key="secret-plan") == "AccessDenied"
        assert refusal(s3.get_object, Bucket="of-others", Key="none") == "AccessDenied"
    finally:
        for version in admin.list_object_versions(Bucket="of-others")["Versions"]:
            admin.delete_object(Bucket="of-others", Key=version["Key"], VersionId=version["VersionId"])
        admin.delete_bucket(Bucket="of-others")


def test_objects_are_encrypted_and_versioned(s3: Any) -> None:
    s3.put_object(Bucket=DATA, Key="twice", Body=b"one")
    s3.put_object(Bucket=DATA, Key="twice", Body=b"two")
    found = s3.get_object(Bucket=DATA, Key="twice")
    assert found["Body"].read() == b"two"
    assert found["ServerSideEncryption"] == "aws:kms"
    versions = s3.list_object_versions(Bucket=DATA, Prefix="twice")["Versions"]
    bodies = [
        s3.get_object(Bucket=DATA, Key="twice", VersionId=version["VersionId"])["Body"].read() for version in versions
    ]
    assert bodies[:2] == [b"two", b"one"]


def test_a_large_object_uses_multipart_upload(s3: Any, tmp_path: Any) -> None:
    from boto3.s3.transfer import TransferConfig

    content = bytes(range(256)) * 4096 * 20  # 20 MiB
    (tmp_path / "model.bin").write_bytes(content)
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_file(str(tmp_path / "model.bin"), MODELS, "model.bin", Config=parts)
    assert s3.get_object(Bucket=MODELS, Key="model.bin")["Body"].read() == content


def test_the_minio_package_needs_the_three_names_and_the_authority(variables: Mapping[str, str]) -> None:
    import urllib3
    from minio import Minio

    pool = urllib3.PoolManager(ca_certs=variables["NEXUSDEV_CA_FILE"])
    client = Minio(
        variables["MINIO_ENDPOINT"],
        access_key=variables["MINIO_ACCESS_KEY"],
        secret_key=variables["MINIO_SECRET_KEY"],
        http_client=pool,
    )
    client.put_object(DATA, "by/minio-py", app.body("hello"), 5)
    assert client.get_object(DATA, "by/minio-py").read() == b"hello"


def test_plaintext_connections_are_refused(variables: Mapping[str, str]) -> None:
    from http.client import HTTPConnection, HTTPException

    host, port = variables["MINIO_ENDPOINT"].split(":")
    connection = HTTPConnection(host, int(port), timeout=5)
    with contextlib.suppress(HTTPException, OSError):
        connection.request("GET", "/")
        assert connection.getresponse().status == 400
    connection.close()


def test_the_client_in_a_container_passes_arguments_and_streams_through(project: Project, s3: Any) -> None:
    put = project.run("s3", "put", "-", f"s3://{DATA}/from stdin.txt", stdin=b"hello\n")
    assert put.code == 0, put.err
    assert s3.get_object(Bucket=DATA, Key="from stdin.txt")["Body"].read() == b"hello\n"
    assert project.run("s3", "get", f"s3://{DATA}/from stdin.txt", "-").out == "hello\n"
    assert project.run("s3", "ls", f"s3://{BACKUPS}").code != 0


@pytest.mark.parametrize("victim", examples(NODES, in_make_test=["minio-2"]))
def test_one_node_down_causes_no_failed_write(
    project: Project, variables: Mapping[str, str], s3: Any, heal: None, victim: str
) -> None:
    wait_until_every_node_writes_to_every_drive(project, variables)
    writer = app.S3Writer(variables=variables)
    with app.writing(writer) as account:
        app.until(lambda: len(account.acknowledged) > 20, seconds=20, what="the first writes")
        engine.container(project, victim).kill()
        before = len(account.acknowledged)
        app.until(lambda: len(account.acknowledged) > before + 50, seconds=60, what=f"writes without {victim}")
        # MinIO's own limit: what the dead node was writing when it died, nobody writes until its locks have expired
        assert set(writer.unanswered) <= locked_by(project, variables, victim)
    assert account.errors == []
    assert set(account.acknowledged) <= writer.read()
    assert states(project)[victim] != "online"
    for key in writer.unanswered:
        app.until(partial(s3.put_object, Bucket=DATA, Key=key, Body=b"x"), seconds=130, what=f"writing {key}")


def locked_by(project: Project, variables: Mapping[str, str], node: str) -> set[str]:
    """Keys of the application's bucket that a node holds locked, as MinIO's administrators see it (``mc support top locks``)."""
    import urllib3
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    password = project.run("secrets", "show", "minio-root-password").out.strip()
    url = f"{variables['AWS_ENDPOINT_URL_S3']}/minio/admin/v3/top/locks?count=1000&stale=true"
    asked = AWSRequest("GET", url, headers={"x-amz-content-sha256": hashlib.sha256().hexdigest()})
    S3SigV4Auth(Credentials("nexus-root", password), "s3", variables["AWS_REGION"]).add_auth(asked)
    with urllib3.PoolManager(ca_certs=variables["AWS_CA_BUNDLE"]) as pool:
        answer = pool.request("GET", url, headers=dict(asked.headers), timeout=10)
    assert answer.status == 200, answer.data
    held = json.loads(answer.data) or ()  # null where nobody holds any
    locks = [lock for lock in held if lock["owner"].split(":")[0] == node]
    return {lock["resource"].removeprefix(f"{DATA}/") for lock in locks}


def wait_until_every_node_writes_to_every_drive(project: Project, variables: Mapping[str, str]) -> None:
    """When a node is back, the others may go without its drive for 15 s, until they look for it again: one more that ends is one too many."""
    for name in NODES:
        node = app.s3_client({**variables, "AWS_ENDPOINT_URL_S3": f"https://127.0.0.1:{project.port(name, 9000)}"})
        app.until(
            partial(every_drive_gets, project, node),
            seconds=60,
            what=f"an object by {name} on all four drives",
        )
        node.close()


def every_drive_gets(project: Project, node: Any) -> bool:
    """Write an object through one node."""
    key = f"everywhere/{uuid.uuid4().hex}"
    node.put_object(Bucket=DATA, Key=key, Body=b"x")
    place = f"/data/minio/{DATA}/{key}/xl.meta"
    return all(engine.container(project, each).exec_run(["test", "-s", place]).exit_code == 0 for each in NODES)


def test_with_two_nodes_down_reads_work_and_writes_fail_with_a_reason(
    project: Project, variables: Mapping[str, str], s3: Any, heal: None
) -> None:
    wait_until_every_node_writes_to_every_drive(project, variables)
    s3.put_object(Bucket=DATA, Key="kept", Body=b"kept")
    for victim in ("minio-1", "minio-3"):
        engine.container(project, victim).kill()
    app.until(
        lambda: bool(app.s3_client(variables).get_object(Bucket=DATA, Key="kept")["Body"].read() == b"kept"),
        seconds=60,
        what="reading from two nodes",
    )
    checked = project.run("status", "--check")
    assert checked.code == 4
    assert states(project) == {"minio-0": "online", "minio-1": "exited", "minio-2": "online", "minio-3": "exited"}


def test_the_cluster_recovers_with_its_data(project: Project, s3: Any) -> None:
    s3.put_object(Bucket=DATA, Key="over the night", Body=b"kept")
    assert project.run("stop", "minio").code == 0
    began = time.monotonic()
    started = project.run("start", "minio")
    assert started.code == 0, started.err
    assert set(states(project).values()) == {"online"}
    assert s3.get_object(Bucket=DATA, Key="over the night")["Body"].read() == b"kept"
    s3.put_object(Bucket=DATA, Key="in the morning", Body=b"new")
    assert time.monotonic() - began < 60


def test_a_project_seeds_objects_once(project: Project, s3: Any, seed_folder: Path) -> None:
    folder = seed_folder / "minio" / "shop-images" / "logos"
    folder.mkdir(parents=True)
    (folder / "a.svg").write_text("<svg/>")
    assert project.run("seed").code == 0
    assert s3.get_object(Bucket="shop-images", Key="logos/a.svg")["ContentType"] == "image/svg+xml"
    s3.delete_object(Bucket="shop-images", Key="logos/a.svg")
    assert project.run("seed").code == 0
    assert refusal(s3.get_object, Bucket="shop-images", Key="logos/a.svg") == "NoSuchKey"


def test_metrics_require_authentication(project: Project) -> None:
    ran = engine.container(project, "minio-client").exec_run(["python3", "-B", "-c", _ASK_METRICS])
    assert ran.output.decode().strip() == "403"


_ASK_METRICS = """
import http.client, ssl
connection = http.client.HTTPSConnection("minio-api", 9000, context=ssl.create_default_context(cafile="/run/tls/ca.crt"))
connection.request("GET", "/minio/v2/metrics/cluster")
print(connection.getresponse().status)
"""


def test_a_new_key_pair_replaces_the_old_one(project: Project, variables: Mapping[str, str]) -> None:
    rotated = project.run("secrets", "rotate", "minio")
    assert rotated.code == 0, rotated.err
    fresh: dict[str, str] = json.loads(project.run("env", "--format", "json").out)
    assert fresh["MINIO_ACCESS_KEY"] != variables["MINIO_ACCESS_KEY"]
    app.s3_client(fresh).put_object(Bucket=DATA, Key="with the new pair", Body=b"x")
    old = app.s3_client(variables)
    assert refusal(old.get_object, Bucket=DATA, Key="with the new pair") == "InvalidAccessKeyId"
