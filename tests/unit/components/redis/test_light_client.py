"""What readiness asks, and how it says why there was no answer."""

from __future__ import annotations

import pytest

from nexusdev.components.redis.light_client import as_admin, fields, words
from nexusdev.wire.resp import RedisError
from tests.unit.components.redis.world import World


def test_info_and_flat_lists_are_parsed_into_fields() -> None:
    assert fields("# Server\r\nrole:master\r\nslave0:ip=redis-1,port=6379\r\n") == {
        "role": "master",
        "slave0": "ip=redis-1,port=6379",
    }
    assert fields(["name", "nexus", "port", "6379"]) == {"name": "nexus", "port": "6379"}
    assert fields(None) == {}


def test_an_error_is_raised_and_the_connection_stays(redis: World) -> None:
    with as_admin(redis.access, "redis-0") as connection:
        with pytest.raises(RedisError, match="unknown command"):
            connection.ask("NONSENSE")
        assert connection.ask("ROLE") == ["master"]


def test_an_error_reason_is_short_and_readable() -> None:
    assert words(ConnectionRefusedError(111, "Connection refused")) == "connection refused"
    assert words(TimeoutError()) == "timed out"
    assert words(ConnectionResetError(104, "reset")) == "the connection was closed"
    assert words(RedisError("NOPERM no")) == "NOPERM no"
