"""A relay in front of the Sentinels: applications on the host get addresses that exist there.

Sentinel names servers by their names on the stack's own network (``redis-1:6379``); on the host each of them is published at
127.0.0.1. The relay passes requests through untouched and rewrites, in replies and in messages like ``+switch-master``, every
address that its map knows. So an unmodified Sentinel client on the host discovers the master and follows a failover.

One process serves all sentinels, each at a port of its own: a client that does not reach one of them asks the next.

Environment:
    RELAY_ROUTES       ``port=host:port`` entries: listen at the port on every interface, over TLS, and connect to the Sentinel at
                       host:port, over TLS that the CA verifies
    RELAY_CERTIFICATE, RELAY_KEY, RELAY_CA   PEM files
    RELAY_MAP          ``name:port=host:port`` entries

Entries are separated by white space or commas.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from resp import MAX_LINE, Items, Line, Parser, ProtocolError, Text, Value, encode

MAX_CLIENTS = 512
# The address of a killed sentinel does not answer at all: after this time its client is sent to the next sentinel.
CONNECT_SECONDS = 1.0

FIELDS = ((b"ip", b"port"), (b"master-host", b"master-port"))

Pair: TypeAlias = tuple[bytes, bytes]
AddressMap: TypeAlias = Mapping[Pair, Pair]


@dataclass(frozen=True)
class Rewriter:
    """Puts the addresses of one side in the place of those of the other, wherever a Sentinel writes them.

    addresses  (name, port) → (host, port)
    """

    addresses: AddressMap
    pattern: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        known = b"|".join(re.escape(host) + b"[: ]" + port for host, port in self.addresses)
        object.__setattr__(self, "pattern", re.compile(rb"(?<![\w.-])(?:" + (known or rb"(?!)") + rb")(?![\w.-])"))

    def rewrite(self, value: Value) -> Value:
        """The value with every known address replaced; everything else as it was."""
        if isinstance(value, Line):
            return value
        if isinstance(value, Text):
            return Text(value.kind, self.pattern.sub(self._replace, value.text))
        return Items(value.kind, self._fields(tuple(map(self.rewrite, value.items))))

    def _replace(self, match: re.Match[bytes]) -> bytes:
        """``name:port`` or, as events write it, ``name port``."""
        found = match[0]
        mark = b":" if b":" in found else b" "
        host, port = found.rsplit(mark, 1)
        return mark.join(self.addresses[host, port])

    def _fields(self, items: tuple[Value, ...]) -> tuple[Value, ...]:
        """Host and port as two items: the whole of a pair, or under ``ip``/``port`` and the like in a list of fields."""
        match items:
            case (_, _):
                return self._swapped(items, 0, 1)
        names = [b"" if isinstance(item, Items) else item.text for item in items[:-1:2]]
        for host, port in FIELDS:
            if host in names and port in names:
                items = self._swapped(items, 2 * names.index(host) + 1, 2 * names.index(port) + 1)
        return items

    def _swapped(self, items: tuple[Value, ...], host_at: int, port_at: int) -> tuple[Value, ...]:
        host, port = items[host_at], items[port_at]
        if isinstance(host, Items) or isinstance(port, Items) or (host.text, port.text) not in self.addresses:
            return items
        changed = list(items)
        new_host, new_port = self.addresses[host.text, port.text]
        changed[host_at], changed[port_at] = replace(host, text=new_host), replace(port, text=new_port)
        return tuple(changed)


def parse_map(text: str) -> AddressMap:
    """``redis-0:6379=127.0.0.1:21070`` entries. ``ValueError`` for anything else."""
    found: dict[Pair, Pair] = {}
    for entry in text.replace(",", " ").split():
        inside, equals, outside = entry.partition("=")
        if not equals:
            raise ValueError(f"RELAY_MAP: {entry!r} is not name:port=host:port")
        found[_pair(inside)] = _pair(outside)
    return found


def _pair(text: str) -> Pair:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit()):
        raise ValueError(f"{text!r} is not host:port")
    return host.encode(), port.encode()


@dataclass(frozen=True)
class Relay:
    """One upstream connection for each client; buffers are those of asyncio, which stops reading from whoever is faster."""

    upstream: tuple[str, int]
    rewriter: Rewriter
    trust: ssl.SSLContext | None = None
    clients: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CLIENTS))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client until either side is done. Never raises for what a client or the Sentinel does."""
        if self.clients.locked():
            writer.close()
            return
        async with self.clients:
            try:
                await self._carry(reader, writer)
            except (OSError, EOFError, TimeoutError, ProtocolError) as error:
                if isinstance(error, ProtocolError):
                    print(f"relay: closed a connection: {error}", file=sys.stderr, flush=True)
            finally:
                writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self.upstream
        connecting = asyncio.open_connection(host, port, ssl=self.trust, limit=MAX_LINE)
        answers, requests = await asyncio.wait_for(connecting, CONNECT_SECONDS)
        tasks = [
            asyncio.create_task(_pass_through(reader, requests)),
            asyncio.create_task(self._pass_rewritten(answers, writer)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            requests.close()

    async def _pass_rewritten(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = Parser(reader)
        while True:
            writer.write(encode(self.rewriter.rewrite(await parser.read())))
            await writer.drain()


async def _pass_through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(MAX_LINE):
        writer.write(data)
        await writer.drain()


def parse_routes(text: str) -> Mapping[int, tuple[str, int]]:
    """``26380=sentinel-0:26379`` entries. ``ValueError`` for anything else."""
    found: dict[int, tuple[str, int]] = {}
    for entry in text.replace(",", " ").split():
        port, equals, upstream = entry.partition("=")
        if not (equals and port.isdigit()):
            raise ValueError(f"RELAY_ROUTES: {entry!r} is not port=host:port")
        found[int(port)] = _address(upstream)
    return found


async def run(environment: Mapping[str, str]) -> None:
    """Serve every route until a signal."""
    rewriter = Rewriter(parse_map(environment["RELAY_MAP"]))
    trust = ssl.create_default_context(cafile=environment["RELAY_CA"])
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(environment["RELAY_CERTIFICATE"], environment["RELAY_KEY"])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for port, upstream in parse_routes(environment["RELAY_ROUTES"]).items():
        await asyncio.start_server(Relay(upstream, rewriter, trust).serve, port=port, ssl=identity, limit=MAX_LINE)
        print(f"relay: {port} → {upstream[0]}:{upstream[1]}", flush=True)
    await stop.wait()


def _address(text: str) -> tuple[str, int]:
    host, port = _pair(text)
    return host.decode(), int(port)


if __name__ == "__main__":
    # At the end everything is closed at once: there is nothing to flush, and a slow client must not delay a stop.
    asyncio.run(run(os.environ))
    sys.stdout.flush()
    os._exit(0)
