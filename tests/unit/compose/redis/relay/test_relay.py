"""The relay between a Sentinel and an application on the host: which addresses it replaces, and that it carries everything else as it is."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import pytest

from tests.unit.compose.redis.relay.relay_code import FOLDER, relay, resp
from tests.unit.compose.redis.relay.test_resp import EVERY_TYPE, parse
from tests.unit.env.servers import authority, serving

MAP = """
    redis-0:6379=127.0.0.1:21070  redis-1:6379=127.0.0.1:21071
    sentinel-0:26379=127.0.0.1:21073, sentinel-1:26379=127.0.0.1:21074
"""
REWRITER = relay.Rewriter(relay.parse_map(MAP))


def bulk(*texts: str, kind: bytes = b"*") -> bytes:
    """A list of strings."""
    count = len(texts) // (2 if kind == b"%" else 1)
    return kind + b"%d\r\n" % count + b"".join(b"$%d\r\n%s\r\n" % (len(text), text.encode()) for text in texts)


def rewritten(data: bytes) -> bytes:
    return b"".join(resp.encode(REWRITER.rewrite(value)) for value in parse(data))


def test_the_master_has_its_host_address() -> None:
    assert rewritten(bulk("redis-0", "6379")) == bulk("127.0.0.1", "21070")


@pytest.mark.parametrize("kind", [b"*", b"%"], ids=["RESP2", "RESP3"])
def test_the_fields_of_a_master_are_rewritten(kind: bytes) -> None:
    error = bulk("name", "nexus", "ip", "redis-1", "port", "6379", "flags", "master", kind=kind)
    assert rewritten(error) == bulk("name", "nexus", "ip", "127.0.0.1", "port", "21071", "flags", "master", kind=kind)


def test_the_fields_of_every_replica_are_rewritten_with_their_master() -> None:
    replica = ("name", "redis-1:6379", "ip", "redis-1", "port", "6379", "master-host", "redis-0", "master-port", "6379")
    on_host = (
        "name",
        "127.0.0.1:21071",
        "ip",
        "127.0.0.1",
        "port",
        "21071",
        "master-host",
        "127.0.0.1",
        "master-port",
        "21070",
    )
    assert rewritten(b"*1\r\n" + bulk(*replica)) == b"*1\r\n" + bulk(*on_host)


def test_other_sentinels_have_their_relay_addresses() -> None:
    error = b"*1\r\n" + bulk("name", "9759b5", "ip", "sentinel-1", "port", "26379", "runid", "9759b5")
    assert b"21074" in rewritten(error)
    assert b"sentinel-1" not in rewritten(error)


@pytest.mark.parametrize("kind", [b"*", b">"], ids=["RESP2", "RESP3 push"])
def test_a_master_switch_has_host_addresses(kind: bytes) -> None:
    error = bulk("message", "+switch-master", "nexus redis-0 6379 redis-1 6379", kind=kind)
    heard = bulk("message", "+switch-master", "nexus 127.0.0.1 21070 127.0.0.1 21071", kind=kind)
    assert rewritten(error) == heard


def test_replica_events_are_rewritten_in_both_spellings() -> None:
    error = bulk("pmessage", "*", "+slave", "slave redis-1:6379 redis-1 6379 @ nexus redis-0 6379")
    heard = bulk("pmessage", "*", "+slave", "slave 127.0.0.1:21071 127.0.0.1 21071 @ nexus 127.0.0.1 21070")
    assert rewritten(error) == heard


def test_info_is_rewritten() -> None:
    text = "master0:name=nexus,status=ok,address=redis-0:6379,slaves=2,sentinels=3"
    assert rewritten(bulk(text)) == bulk(text.replace("redis-0:6379", "127.0.0.1:21070"))


@pytest.mark.parametrize(
    "text",
    ["redis-0", "redis-0:63790", "my-redis-0:6379", "redis-00 6379", "redis-0 6379.5", "redis-9 6379", "redis-0  6379"],
)
def test_text_resembling_an_address_is_unchanged(text: str) -> None:
    assert rewritten(bulk("key", text, "other")) == bulk("key", text, "other")


@pytest.mark.parametrize("data", EVERY_TYPE[:8] + EVERY_TYPE[9:])
def test_other_replies_are_passed_on_unchanged(data: bytes) -> None:
    assert rewritten(data) == data


def test_nothing_is_rewritten_without_a_map() -> None:
    nothing = relay.Rewriter(relay.parse_map(""))
    [value] = parse(bulk("redis-0", "6379"))
    assert nothing.rewrite(value) == value


@pytest.mark.parametrize("text", ["redis-0:6379", "redis-0=127.0.0.1:1", "redis-0:6379=127.0.0.1:port", "=:1"])
def test_an_invalid_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        relay.parse_map(text)


async def _with_relay(
    sentinel: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    client: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]],
) -> Any:
    """Client → relay → sentinel, in plain text on ports of the engine's choice."""
    upstream = await asyncio.start_server(sentinel, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    between = relay.Relay(("127.0.0.1", port), REWRITER)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        return await asyncio.wait_for(client(reader, writer), 5)
    finally:
        for each in (writer, server, upstream):
            each.close()


def test_requests_reach_the_sentinel_unchanged() -> None:
    seen: list[bytes] = []
    request = b"*3\r\n$4\r\nAUTH\r\n$9\r\nnexus_app\r\n$12\r\nredis-0 6379\r\n"

    async def sentinel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readexactly(len(request)))
        writer.write(b"+OK\r\n")

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(request)
        return await reader.readline()

    assert asyncio.run(_with_relay(sentinel, client)) == b"+OK\r\n"
    assert seen == [request]


def test_published_messages_are_forwarded() -> None:
    async def sentinel(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(bulk("message", "+switch-master", "nexus redis-0 6379 redis-1 6379"))
            await writer.drain()

    async def client(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bool:
        heard = bulk("message", "+switch-master", "nexus 127.0.0.1 21070 127.0.0.1 21071")
        return await reader.readexactly(3 * len(heard)) == heard * 3

    assert asyncio.run(_with_relay(sentinel, client))


@pytest.mark.parametrize("last", [b"", b"no RESP at all\r\n", b"$5\r\nhal"], ids=["end", "nonsense", "half a value"])
def test_a_closed_or_invalid_sentinel_closes_the_client(last: bytes) -> None:
    async def sentinel(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n" + last)
        writer.close()

    async def client(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    assert asyncio.run(_with_relay(sentinel, client)) == b"+OK\r\n"


def test_a_client_is_refused_without_a_sentinel() -> None:
    async def run() -> bytes:
        server = await asyncio.start_server(relay.Relay(("127.0.0.1", 1), REWRITER).serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        data = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.close()
        return data

    assert asyncio.run(run()) == b""


def test_each_port_leads_to_its_own_sentinel() -> None:
    routes = relay.parse_routes("26380=sentinel-0:26379 26381=sentinel-1:26379, 26382=sentinel-2:26379")
    assert routes == {26380 + n: (f"sentinel-{n}", 26379) for n in range(3)}


@pytest.mark.parametrize("text", ["26380", "port=sentinel-0:26379", "26380=sentinel-0", "=sentinel-0:26379"])
def test_an_invalid_route_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        relay.parse_routes(text)


def test_the_program_serves_every_route_over_tls_until_a_signal(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    with serving(tls, echo) as sentinel:
        first, second = free_port(), free_port()
        program = start(tls, f"{first}=localhost:{sentinel} {second}=localhost:1")
        try:
            assert program.stdout
            assert [program.stdout.readline() for _ in (first, second)] == [
                f"relay: {first} → localhost:{sentinel}\n",
                f"relay: {second} → localhost:1\n",
            ]
            assert asked(tls, first) == b"$15\r\n127.0.0.1:21070\r\n"
            assert asked(tls, second) == b""
        finally:
            program.terminate()
            assert program.wait(5) == 0


def echo(stream: IO[bytes]) -> None:
    """Send one string back."""
    stream.write(stream.readline() + stream.readline())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(tls: Path, routes: str) -> subprocess.Popen[str]:
    """The relay as its container runs it."""
    environment = {
        "RELAY_ROUTES": routes,
        "RELAY_MAP": MAP,
        "RELAY_CERTIFICATE": str(tls / "server.crt"),
        "RELAY_KEY": str(tls / "server.key"),
        "RELAY_CA": str(tls / "ca.crt"),
    }
    program = [sys.executable, "-E", "-s", "-B", "-X", "utf8", str(FOLDER / "relay.py")]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)


def asked(tls: Path, port: int) -> bytes:
    """The reply to one string, b"" where the connection was closed instead."""
    trust = ssl.create_default_context(cafile=tls / "ca.crt")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"$12\r\nredis-0:6379\r\n")
        return secure.recv(100)
