"""Requests arrive as they were meant."""

from __future__ import annotations

import pytest

from nexusdev.components.https_connection import Response
from nexusdev.components.minio.light_client import canonical_query, error_code
from nexusdev.components.minio.names import root
from tests.unit.components.minio.world import World


def test_a_query_is_sorted_and_quoted() -> None:
    assert canonical_query({"versioning": "", "prefix": "a b/ü"}) == "prefix=a%20b%2F%C3%BC&versioning="


def test_unusual_names_are_sent_unchanged(minio: World) -> None:
    client = root(minio.access)
    client.request("PUT", "/things")
    assert client.request("PUT", "/things/a b/ü+~(1).txt", body=b"x").status == 200
    assert minio.memory.buckets["things"].objects == {"a b/ü+~(1).txt": b"x"}
    assert client.request("GET", "/things/a b/ü+~(1).txt").body == b"x"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket"),
        (b'{"Code": "XMinioAdminNoSuchUser"}', "XMinioAdminNoSuchUser"),
        (b"", "HTTP 502"),
    ],
)
def test_a_refusal_has_an_error_code(body: bytes, code: str) -> None:
    assert error_code(Response(status=502, body=body)) == code
