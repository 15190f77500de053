"""The first five minutes of an application developer: another folder, the env file, stock clients."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from tests.integration import application as app
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def test_the_env_file_is_readable_by_its_owner_only(project: Project) -> None:
    (file,) = [path for path in project.folder.iterdir() if path.name.startswith(".env")]
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_env_file_matches_the_env_command(project: Project, variables: Mapping[str, str]) -> None:
    assert json.loads(project.run("env", "--format", "json").out) == variables


@pytest.mark.parametrize("url", ["DATABASE_URL", "DATABASE_POOL_URL"])
def test_psycopg_writes_to_the_primary_directly_and_through_the_pool(variables: Mapping[str, str], url: str) -> None:
    with app.postgres(variables, variables[url]) as connection:
        connection.execute("CREATE TEMP TABLE basket (item text)")
        connection.execute("INSERT INTO basket VALUES ('apple')")
        assert connection.execute("SELECT item, pg_is_in_recovery() FROM basket").fetchone() == ("apple", False)
    assert "sslmode=verify-full" in variables[url]


def test_the_read_only_url_reaches_a_replica(variables: Mapping[str, str]) -> None:
    with app.postgres(variables, variables["DATABASE_RO_URL"]) as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def test_libpq_needs_only_its_own_variables(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        if name.startswith("PG"):
            monkeypatch.setenv(name, value)
    with psycopg.connect("") as connection:
        row = connection.execute("SELECT current_database(), current_user").fetchone()
        assert row == ("nexus_architect", "nexus_app")
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


@pytest.mark.parametrize("sentinel", [False, True], ids=["plain", "by sentinel"])
def test_redis_py_writes_to_the_master(variables: Mapping[str, str], sentinel: bool) -> None:
    client = app.sentinel_master(variables) if sentinel else app.plain_redis(variables)
    client.set("app:greeting", "hello")
    assert client.get("app:greeting") == b"hello"
    assert client.role()[0] == b"master"


def test_redis_py_needs_only_the_url_and_the_bundle(
    variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    monkeypatch.setenv("SSL_CERT_FILE", variables["SSL_CERT_FILE"])
    client = redis.Redis.from_url(variables["REDIS_URL"])
    assert client.ping()


def test_boto3_keeps_versions_of_an_object(variables: Mapping[str, str]) -> None:
    s3 = app.s3_client(variables)
    first = s3.put_object(Bucket="nexus-app-data", Key="notes/a", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket="nexus-app-data", Key="notes/a", Body=b"2")["VersionId"]
    assert first != second
    assert s3.get_object(Bucket="nexus-app-data", Key="notes/a", VersionId=first)["Body"].read() == b"1"


def test_the_application_cannot_see_the_backups(variables: Mapping[str, str]) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match="AccessDenied"):
        app.s3_client(variables).list_objects_v2(Bucket="nexus-backups")


def test_hvac_reads_the_credentials_of_every_component(variables: Mapping[str, str]) -> None:
    vault = app.vault_client(variables)
    for selection in ("postgres", "redis", "minio"):
        assert vault.secrets.kv.v2.read_secret_version(path=f"nexus/{selection}", raise_on_deleted_version=True)[
            "data"
        ]["data"]


def test_hvac_logs_in_by_approle(variables: Mapping[str, str]) -> None:
    import hvac

    client = hvac.Client(url=variables["VAULT_ADDR"], verify=variables["VAULT_CACERT"])
    client.auth.approle.login(role_id=variables["VAULT_ROLE_ID"], secret_id=variables["VAULT_SECRET_ID"])
    assert client.is_authenticated()
    policies = client.lookup_token()["data"]["policies"]
    assert "root" not in policies


def test_prometheus_answers_over_tls(variables: Mapping[str, str]) -> None:
    context = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    with urllib.request.urlopen(variables["PROMETHEUS_URL"] + "/-/ready", context=context, timeout=5) as answer:
        assert answer.status == 200


def test_no_server_accepts_a_plaintext_connection(variables: Mapping[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no encryption|pg_hba|SSL"):
        app.postgres(variables, variables["DATABASE_URL"].replace("sslmode=verify-full", "sslmode=disable"))


def test_everything_is_bound_to_loopback(project: Project) -> None:
    listening = [
        line.split()[1].split(":")
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    ports = {row["port"] for row in project.run("ports", "--json").data["ports"]}
    ours = {(address, int(port, 16)) for address, port in listening if int(port, 16) in ports}
    assert ours, "none of the instance's ports is in /proc/net/tcp"
    assert {address for address, _ in ours} == {"0100007F"}
