"""The process of a forward: listens, keeps a route to the gateway, and writes how it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from nexusdev.runtimes.kubernetes.forward.files import (
    CONNECTED,
    CONNECTING,
    FAILED,
    ForwardConfig,
    ForwardFiles,
    ForwardStatus,
)
from nexusdev.runtimes.kubernetes.forward.relay import PortTaken, Relay
from nexusdev.runtimes.kubernetes.forward.routes import ClusterRoute, RouteLost, open_direct, open_route

_TICK = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
# How long a connection waits for a route before it is closed.
_PATIENCE = 15.0
# How often a forward that stands in for an address looks for the address.
_BETTER = 20.0


class Supervisor:
    """Keeps one route open as long as its config says so."""

    def __init__(self, files: ForwardFiles, config: ForwardConfig) -> None:
        self._files = files
        self._config = config
        self._text = config.text()
        self._route: ClusterRoute | None = None
        self._there = asyncio.Event()
        self._status = ForwardStatus(pid=os.getpid())

    async def run(self) -> int:
        """Forward until the config changes or is gone, and return the exit status."""
        relay = Relay(self._locate)
        try:
            await relay.listen(self._config.ports.items())
        except PortTaken as error:
            self._tell(phase=FAILED, problem=str(error), taken=error.port)
            return 1
        self._tell(phase=CONNECTING)
        try:
            await self._keep_connected()
        finally:
            relay.close()
            if self._route:
                await self._route.close()
        return 0

    async def _keep_connected(self) -> None:
        pause = _FIRST_PAUSE
        while self._is_wanted():
            try:
                self._route, why = await open_route(self._config)
            except RouteLost as error:
                self._tell(phase=CONNECTING, problem=str(error), route="", child=0)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            await self._while_it_leads(self._route, why)

    async def _while_it_leads(self, route: ClusterRoute, why: str) -> None:
        """Use a route until it is lost, or until the one that was asked for is there."""
        self._there.set()
        self._tell(phase=CONNECTED, route=route.words, problem=why, child=route.child)
        looked = time.monotonic()
        try:
            while self._is_wanted():
                await asyncio.sleep(_TICK)
                await route.check()
                if why and time.monotonic() - looked > _BETTER:
                    looked = time.monotonic()
                    with contextlib.suppress(RouteLost):
                        await (await open_direct(self._config)).close()
                        return
        except RouteLost as error:
            self._tell(phase=CONNECTING, problem=str(error), route="", child=0)
        finally:
            self._there.clear()
            self._route = None
            await route.close()

    async def _locate(self, port: int) -> tuple[str, int]:
        async with asyncio.timeout(_PATIENCE):
            while True:
                await self._there.wait()
                if self._route:
                    return self._route.address(port)
                await asyncio.sleep(0)

    def _is_wanted(self) -> bool:
        """Return whether the config is the one that this process was started with. A folder that is gone ends it, too."""
        config = self._files.read_config()
        return config is not None and config.text() == self._text

    def _tell(self, **changes: str | int) -> None:
        new = self._status._replace(**changes)  # type: ignore[arg-type]
        if new != self._status:
            self._status = new
            self._files.write_status(new)
            words = " ".join(each for each in (new.phase, new.route, new.problem) if each)
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words}", file=sys.stderr, flush=True)


async def _until_signal(files: ForwardFiles, config: ForwardConfig) -> int:
    task = asyncio.create_task(Supervisor(files, config).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


def main(files: ForwardFiles) -> int:
    """Run one forward, unless another process has the lock of its folder. Returns the exit status."""
    with files.held() as is_first:
        config = files.read_config()
        if not is_first or config is None:
            return 1
        return asyncio.run(_until_signal(files, config))
