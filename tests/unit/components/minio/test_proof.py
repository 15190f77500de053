"""Variables are believed when they lead to this instance's mark with the application's own key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.components.contract import Consumer
from nexusdev.components.https_connection import Response
from nexusdev.components.minio import proof
from nexusdev.components.minio.component import create
from nexusdev.components.minio.desired_state import policy
from nexusdev.components.minio.names import BACKUPS, DATA, NONCE
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import View
from tests.unit.components.minio.world import World
from tests.unit.env.servers import authority, refusing_proxy

COMPONENT = create({})


@pytest.fixture
def values(minio: World) -> dict[str, str]:
    COMPONENT.seed(minio.access, {})
    return {variable.name: variable.value for variable in COMPONENT.variables(minio.access, View.HOST)}


def test_both_forms_of_the_variables_are_proven(minio: World, values: dict[str, str]) -> None:
    proofs = COMPONENT.prove(minio.access, values)
    assert [each.path.split()[0] for each in proofs] == ["MINIO_ENDPOINT", "AWS_ENDPOINT_URL_S3"]


def test_a_mark_of_another_instance_is_refused(minio: World, values: dict[str, str]) -> None:
    minio.memory.buckets[DATA.name].objects[NONCE] = b"deadbeef"
    with pytest.raises(IdentityMismatch, match="another instance"):
        COMPONENT.prove(minio.access, values)


def test_an_unknown_access_key_fails_the_proof(minio: World, values: dict[str, str]) -> None:
    with pytest.raises(IdentityMismatch) as caught:
        COMPONENT.prove(minio.access, {**values, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert caught.value.why == "it does not accept the application's key"


def test_a_key_that_opens_the_backups_is_refused(minio: World, values: dict[str, str]) -> None:
    minio.memory.policies["nexus-app"] = policy([DATA.name, BACKUPS.name])
    with pytest.raises(Degraded, match="can read nexus-backups"):
        COMPONENT.prove(minio.access, values)


def test_a_certificate_of_another_ca_is_an_identity_mismatch(
    minio: World, values: dict[str, str], tmp_path: Path
) -> None:
    other = authority(tmp_path / "other")
    with pytest.raises(IdentityMismatch, match="is not this instance's MinIO"):
        COMPONENT.prove(minio.access, {**values, "AWS_CA_BUNDLE": str(other / "ca.crt")})


def test_an_unreachable_server_is_degraded(minio: World, values: dict[str, str]) -> None:
    with pytest.raises(Degraded, match="does not answer at localhost:1"):
        COMPONENT.prove(minio.access, {**values, "MINIO_ENDPOINT": "localhost:1"})


def test_a_server_in_trouble_is_degraded_not_foreign() -> None:
    with pytest.raises(Degraded, match="does not work"):
        proof.verify("MINIO_ENDPOINT", Response(status=503, body=b"<Code>SlowDownRead</Code>"), "c0ffee")


def test_variables_have_the_names_that_production_and_the_aws_sdks_read(minio: World) -> None:
    variables = {variable.name: variable for variable in COMPONENT.variables(minio.access, View.CONTAINER)}
    assert variables["MINIO_ENDPOINT"].value == "minio-api:9000"
    assert variables["AWS_ENDPOINT_URL_S3"].value == "https://minio-api:9000"
    assert variables["AWS_REGION"].value == "us-east-1"
    assert variables["AWS_DEFAULT_REGION"].value == variables["AWS_REGION"].value
    assert variables["AWS_CA_BUNDLE"].value == "/run/nexusdev/bundle.pem"
    assert [name for name, variable in variables.items() if variable.secret] == [
        "MINIO_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
    ]


@pytest.mark.parametrize("view", View)
def test_the_public_endpoint_is_the_host_address_in_both_views(minio: World, view: View) -> None:
    variables = {variable.name: variable.value for variable in COMPONENT.variables(minio.access, view)}
    host = {variable.name: variable.value for variable in COMPONENT.variables(minio.access, View.HOST)}
    assert variables["MINIO_PUBLIC_ENDPOINT"] == host["MINIO_ENDPOINT"]
    assert variables["S3_PUBLIC_ENDPOINT_URL"] == host["AWS_ENDPOINT_URL_S3"]


def test_vault_stores_the_key_pair_and_its_endpoint(minio: World) -> None:
    kept = COMPONENT.credentials(minio.access)[Consumer.APPLICATION]
    assert kept["endpoint"] == "minio-api:9000"
    assert kept["access_key"] == "app1"
    assert BACKUPS.name not in kept["buckets"]


def test_the_client_is_s3cmd_with_unchanged_arguments() -> None:
    client = COMPONENT.client(["ls", "s3://a b"])
    assert client is not None
    assert client.argv[-2:] == ("ls", "s3://a b")


def test_seeding_and_proof_ignore_proxies_of_the_environment(minio: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_proxy() as (named, came):
        for name, value in {**named, "NO_PROXY": "", "REQUESTS_CA_BUNDLE": "/nowhere"}.items():
            monkeypatch.setenv(name, value)
        assert COMPONENT.seed(minio.access, {}) != []
        values = {variable.name: variable.value for variable in COMPONENT.variables(minio.access, View.HOST)}
        assert len(COMPONENT.prove(minio.access, values)) == 2
    assert came == []
