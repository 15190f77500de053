"""Requests are signed as S3 wants them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nexusdev.components.https import Response
from nexusdev.components.minio.door import Key, canonical_query, error_code, sign
from nexusdev.components.minio.names import root
from tests.unit.components.minio.world import World

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, first example
_EXAMPLE = Key(access="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
_SIGNATURE = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_signature_is_the_one_in_amazons_own_example() -> None:
    headers = {"host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"}
    now = datetime(2013, 5, 24, tzinfo=UTC)
    signed = sign("GET", "/test.txt", "", b"", headers=headers, key=_EXAMPLE, now=now)
    assert signed["authorization"].endswith(f"Signature={_SIGNATURE}")


def test_a_query_is_sorted_and_quoted() -> None:
    assert canonical_query({"versioning": "", "prefix": "a b/ü"}) == "prefix=a%20b%2F%C3%BC&versioning="


def test_odd_names_arrive_as_they_are(minio: World) -> None:
    door = root(minio.site)
    door.ask("PUT", "/things")
    assert door.ask("PUT", "/things/a b/ü+~(1).txt", body=b"x").status == 200
    assert minio.memory.buckets["things"].objects == {"a b/ü+~(1).txt": b"x"}
    assert door.ask("GET", "/things/a b/ü+~(1).txt").body == b"x"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket"),
        (b'{"Code": "XMinioAdminNoSuchUser"}', "XMinioAdminNoSuchUser"),
        (b"", "HTTP 502"),
    ],
)
def test_a_refusal_has_a_name(body: bytes, code: str) -> None:
    assert error_code(Response(status=502, body=body)) == code
