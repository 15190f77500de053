"""RESP as the relay reads it: every type of both versions comes back as the bytes it came from, and nothing is read without a bound."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.compose.redis.relay.relay_code import resp

EVERY_TYPE = [
    b"+OK\r\n",
    b"-ERR no such master\r\n",
    b":1000\r\n",
    b"$5\r\nhello\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*2\r\n$7\r\nredis-0\r\n$4\r\n6379\r\n",
    b"*2\r\n*1\r\n:1\r\n$-1\r\n",
    b"_\r\n",
    b"#t\r\n",
    b",3.14\r\n",
    b"(3492890328409238509324850943850943825024385\r\n",
    b"!21\r\nSYNTAX invalid syntax\r\n",
    b"=15\r\ntxt:Some string\r\n",
    b"%1\r\n+first\r\n:1\r\n",
    b"~2\r\n+a\r\n+b\r\n",
    b">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n",
    b"|1\r\n+ttl\r\n:3600\r\n",
    b"$4\r\na\r\nb\r\n",
]


def parse(data: bytes, *, limit: int = 64 * 1024) -> Any:
    """Every value in the bytes, as if they had come one by one."""

    async def run() -> list[Any]:
        stream = asyncio.StreamReader(limit=limit)
        stream.feed_data(data)
        stream.feed_eof()
        parser, values = resp.Parser(stream), []
        while not stream.at_eof():
            values.append(await parser.read())
        return values

    return asyncio.run(run())


@pytest.mark.parametrize("data", EVERY_TYPE)
def test_a_value_round_trips(data: bytes) -> None:
    assert b"".join(map(resp.encode, parse(data))) == data


def test_consecutive_values_are_separated() -> None:
    assert [resp.encode(value) for value in parse(b"".join(EVERY_TYPE))] == EVERY_TYPE


def test_a_value_may_arrive_byte_by_byte() -> None:
    async def run() -> bytes:
        stream = asyncio.StreamReader()
        reading = asyncio.create_task(resp.Parser(stream).read())
        for byte in EVERY_TYPE[8]:
            stream.feed_data(bytes([byte]))
            await asyncio.sleep(0)
        return bytes(resp.encode(await reading))

    assert asyncio.run(run()) == EVERY_TYPE[8]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello\r\n", "no RESP type"),
        (b"\r\n", "no RESP type"),
        (b"$x\r\n", "no acceptable length"),
        (b"$-2\r\n", "no acceptable length"),
        (b"$99999999999999\r\n", "no acceptable length"),
        (b"*999999999\r\n", "no acceptable length"),
        (b"$3\r\nhello\r\n", "longer than it says"),
        (b"*1\r\n" * 40, "nested too deeply"),
    ],
)
def test_invalid_resp_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(resp.ProtocolError, match=why):
        parse(data)


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(resp.ProtocolError, match="without an end"):
        parse(b"+" + b"x" * 4096, limit=1024)


def test_many_small_items_count_toward_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resp, "MAX_VALUE", 3000)
    size = 1000
    with pytest.raises(resp.ProtocolError, match="more than"):
        parse(b"*%d\r\n" % size + b":1\r\n" * size)


@pytest.mark.parametrize("data", [b"", b"$5\r\nhel", b"*2\r\n:1\r\n", b"+OK"])
def test_an_end_within_a_value_ends_the_stream(data: bytes) -> None:
    async def run() -> None:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        await resp.Parser(stream).read()

    with pytest.raises(EOFError):
        asyncio.run(run())
