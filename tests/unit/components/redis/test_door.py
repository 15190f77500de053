"""The few words of RESP that nexusdev itself speaks."""

from __future__ import annotations

import io

import pytest

from nexusdev.components.redis.door import Refused, as_admin, encode, fields, read, words
from tests.unit.components.redis.world import World


def test_a_command_is_an_array_of_strings() -> None:
    assert encode(("SET", "grüße", b"\x00")) == b"*3\r\n$3\r\nSET\r\n$7\r\ngr\xc3\xbc\xc3\x9fe\r\n$1\r\n\x00\r\n"


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"+OK\r\n", "OK"),
        (b":42\r\n", 42),
        (b"$5\r\nhello\r\n", "hello"),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"*2\r\n:1\r\n$1\r\na\r\n", [1, "a"]),
    ],
)
def test_a_reply_is_read_as_what_it_is(data: bytes, reply: object) -> None:
    assert read(io.BytesIO(data)) == reply


def test_an_error_stands_in_a_list_as_a_value() -> None:
    found = read(io.BytesIO(b"*2\r\n+OK\r\n-WRONGTYPE no\r\n"))
    assert isinstance(found, list)
    assert isinstance(found[1], Refused)
    assert found[1].code == "WRONGTYPE"


@pytest.mark.parametrize("data", [b"", b"+OK", b"$5\r\nhel", b"HTTP/1.1 400 Bad Request\r\n"])
def test_an_end_or_another_protocol_is_a_broken_connection(data: bytes) -> None:
    with pytest.raises(ConnectionError):
        read(io.BytesIO(data))


def test_info_and_flat_lists_become_fields() -> None:
    assert fields("# Server\r\nrole:master\r\nslave0:ip=redis-1,port=6379\r\n") == {
        "role": "master",
        "slave0": "ip=redis-1,port=6379",
    }
    assert fields(["name", "nexus", "port", "6379"]) == {"name": "nexus", "port": "6379"}
    assert fields(None) == {}


def test_an_error_is_raised_after_all_replies_were_read(redis: World) -> None:
    with as_admin(redis.site, "redis-0") as connection:
        with pytest.raises(Refused, match="unknown command"):
            connection.ask_all([("NONSENSE",), ("ROLE",)])
        assert connection.ask("ROLE") == ["master"]


def test_a_reason_is_short_and_for_a_person() -> None:
    assert words(ConnectionRefusedError(111, "Connection refused")) == "connection refused"
    assert words(TimeoutError()) == "no answer in time"
    assert words(ConnectionResetError(104, "reset")) == "the connection was closed"
    assert words(Refused("NOPERM no")) == "NOPERM no"
