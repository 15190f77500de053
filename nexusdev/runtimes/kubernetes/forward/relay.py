"""Listens on host ports of loopback and passes each connection on, wherever the route leads at that moment."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

_CHUNK = 256 * 1024
LOOPBACK = "127.0.0.1"
#: Returns where connections to a port of the gateway go; waits until there is a route.
Locate = Callable[[int], Awaitable[tuple[str, int]]]


class PortTaken(Exception):
    """Another process listens on a host port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"host port {port} is in use")
        self.port = port


class Relay:
    """The listeners. Connections that wait for a route are kept open: a client sees a pause instead of a refusal."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._servers: list[asyncio.Server] = []

    async def listen(self, ports: Iterable[tuple[int, int]]) -> None:
        """Listen on host ports.

        Args:
            ports: Host port and port of the gateway.

        Raises:
            PortTaken: Another process has one of them.
        """
        for host, port in ports:
            try:
                server = await asyncio.start_server(partial(self._serve, port), LOOPBACK, host, limit=_CHUNK)
            except OSError as error:
                self.close()
                if error.errno == errno.EADDRINUSE:
                    raise PortTaken(host) from error
                raise
            self._servers.append(server)

    def close(self) -> None:
        """Listen no more."""
        for each in self._servers:
            each.close()
        self._servers.clear()

    async def _serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            address = await self._locate(port)
            answers, upstream = await asyncio.open_connection(*address, limit=_CHUNK)
            await asyncio.gather(_pump(reader, upstream), _pump(answers, writer))
        except (OSError, TimeoutError):
            pass  # the client sees that its connection ended
        finally:
            for each in (writer, upstream):
                if each is not None:
                    each.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends, and say so to the target. An error of one direction ends both."""
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except OSError:
        target.transport.abort()
        raise
    with contextlib.suppress(OSError):
        if target.can_write_eof():
            target.write_eof()
