"""A relay in front of one Sentinel: applications on the host get addresses that exist there.

Sentinel names servers by their names on the stack's own network (``redis-1:6379``); on the host each of them is published at
127.0.0.1. The relay passes requests through untouched and rewrites, in replies and in messages like ``+switch-master``, every
address that its map knows. So an unmodified Sentinel client on the host discovers the master and follows a failover.

Environment:
    RELAY_LISTEN       host:port to listen at, over TLS
    RELAY_UPSTREAM     host:port of the Sentinel, over TLS, verified by the CA
    RELAY_CERTIFICATE, RELAY_KEY, RELAY_CA   PEM files
    RELAY_MAP          ``name:port=host:port`` entries between white space or commas

It ends (status 75) some seconds after its network namespace has lost its interfaces: the Sentinel's container was started
again, with a new namespace, and the engine puts a restarted relay into that one.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from resp import MAX_LINE, Items, Line, Parser, ProtocolError, Text, Value, encode

MAX_CLIENTS = 512
CONNECT_SECONDS = 2.0
ORPHANED_SECONDS = 4.0
ORPHANED_STATUS = 75

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


def has_network() -> bool:
    """Whether this network namespace still has an interface beside the loopback."""
    return len(socket.if_nameindex()) > 1


async def orphaned(
    connected: Callable[[], bool] = has_network, *, patience: float = ORPHANED_SECONDS, every: float = 1.0
) -> None:
    """Return once the namespace has been without a network for ``patience`` seconds, looking every so many."""
    missing = 0.0
    while missing < patience:
        await asyncio.sleep(every)
        missing = 0.0 if connected() else missing + every


async def run(environment: Mapping[str, str]) -> int:
    """Serve until a signal (0) or until the network is gone (75)."""
    relay = Relay(
        _address(environment["RELAY_UPSTREAM"]),
        Rewriter(parse_map(environment["RELAY_MAP"])),
        ssl.create_default_context(cafile=environment["RELAY_CA"]),
    )
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(environment["RELAY_CERTIFICATE"], environment["RELAY_KEY"])
    host, port = _address(environment["RELAY_LISTEN"])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(relay.serve, host, port, ssl=identity, limit=MAX_LINE)
    print(f"relay: {host}:{port} → {relay.upstream[0]}:{relay.upstream[1]}", flush=True)
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(orphaned())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    server.close()
    return 0 if stop.is_set() else ORPHANED_STATUS


def _address(text: str) -> tuple[str, int]:
    host, port = _pair(text)
    return host.decode(), int(port)


if __name__ == "__main__":
    # At the end everything is closed at once: there is nothing to flush, and a client that lingers must not delay a stop.
    sys.stdout.flush()
    os._exit(asyncio.run(run(os.environ)))
