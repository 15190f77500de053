"""The few words of RESP that nexusdev itself speaks."""

from __future__ import annotations

import io

import pytest

from nexusdev.wire.resp import RedisError, encode, read


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
def test_every_reply_type_is_parsed(data: bytes, reply: object) -> None:
    assert read(io.BytesIO(data)) == reply


def test_an_error_within_a_list_is_a_value() -> None:
    found = read(io.BytesIO(b"*2\r\n+OK\r\n-WRONGTYPE no\r\n"))
    assert isinstance(found, list)
    assert isinstance(found[1], RedisError)
    assert found[1].code == "WRONGTYPE"


@pytest.mark.parametrize("data", [b"", b"+OK", b"$5\r\nhel", b"HTTP/1.1 400 Bad Request\r\n"])
def test_end_of_stream_or_another_protocol_is_a_connection_error(data: bytes) -> None:
    with pytest.raises(ConnectionError):
        read(io.BytesIO(data))
