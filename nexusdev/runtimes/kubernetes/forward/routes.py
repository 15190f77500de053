"""The ways from this machine to the gateway for development: an address of the cluster, or kubectl's forward by the API server."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import re
import signal
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from nexusdev.runtimes.kubernetes.forward.files import ForwardConfig
from nexusdev.runtimes.kubernetes.forward.relay import LOOPBACK

_MAPPED = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)")
_START = 30.0  # seconds for kubectl to find the pod and to connect
_QUICK = 20.0
_REACH = 3.0
_ANSWER = 6.0
_LINES = 4
_PR_SET_PDEATHSIG = 1


class RouteLost(Exception):
    """There is no such way, or no longer. The text says why."""


class ClusterRoute(Protocol):
    """A way to the gateway. ``words``: how it leads there; ``child``: the process that it needs, 0 for none."""

    words: str
    child: int

    def address(self, port: int) -> tuple[str, int]:
        """Return where a port of the gateway is reached."""

    async def check(self) -> None:
        """Raise RouteLost if the gateway does not answer."""

    async def close(self) -> None:
        """End what it needs."""


class DirectRoute:
    """An address that the cluster gave the Service."""

    child = 0

    def __init__(self, words: str, host: str, ports: Mapping[int, int]) -> None:
        self.words = words
        self._host = host
        self._ports = ports

    def address(self, port: int) -> tuple[str, int]:
        return self._host, self._ports[port]

    async def check(self) -> None:
        try:
            async with asyncio.timeout(_REACH):
                _, writer = await asyncio.open_connection(*self.address(next(iter(self._ports))))
            writer.close()
        except (OSError, TimeoutError) as error:
            raise RouteLost(f"{self.words} does not answer: {error or 'no answer in time'}") from error

    async def close(self) -> None:
        """Nothing to do."""


class KubectlRoute:
    """A process of ``kubectl port-forward``, which listens on ports that the kernel chose."""

    words = "the API server"

    def __init__(self, process: asyncio.subprocess.Process, health: int) -> None:
        self.child = process.pid
        self._process = process
        self._health = health
        self._ports: dict[int, int] = {}
        self._errors: deque[str] = deque(maxlen=_LINES)
        self._mapped = asyncio.Event()
        self._readers = [asyncio.create_task(self._read_output()), asyncio.create_task(self._read_errors())]

    @classmethod
    async def open(cls, config: ForwardConfig) -> KubectlRoute:
        """Start kubectl and wait until it forwards every port and the gateway answers.

        Raises:
            RouteLost: It does not.
        """
        wanted = {*config.ports.values(), config.health}
        words = [f":{port}" for port in sorted(wanted)]
        where = ("--namespace", config.namespace, "--address", LOOPBACK, "--pod-running-timeout", "20s")
        try:
            process = await asyncio.create_subprocess_exec(
                *config.kubectl, "port-forward", *where, f"deployment/{config.name}", *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=_end_with_parent,
            )  # fmt: skip
        except OSError as error:
            raise RouteLost(f"{config.kubectl[0]} cannot be run: {error.strerror}") from error
        route = cls(process, config.health)
        try:
            await route._until_mapped(wanted)
            await route.check()
        except BaseException:
            await route.close()
            raise
        return route

    def address(self, port: int) -> tuple[str, int]:
        return LOOPBACK, self._ports[port]

    async def check(self) -> None:
        if self._process.returncode is not None:
            raise RouteLost(self._reason("kubectl port-forward ended"))
        try:
            async with asyncio.timeout(_ANSWER):
                answer = await _healthz(*self.address(self._health))
        except (OSError, TimeoutError, EOFError) as error:
            raise RouteLost(self._reason("the gateway does not answer through kubectl port-forward")) from error
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise RouteLost(self._reason("the gateway does not answer through kubectl port-forward"))

    async def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_REACH):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        for each in self._readers:
            each.cancel()

    async def _until_mapped(self, wanted: set[int]) -> None:
        try:
            async with asyncio.timeout(_START):
                while not wanted <= self._ports.keys():
                    self._mapped.clear()
                    ended = asyncio.create_task(self._process.wait())
                    told = asyncio.create_task(self._mapped.wait())
                    done, waiting = await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
                    for each in waiting:
                        each.cancel()
                    if ended in done:
                        await asyncio.wait(self._readers, timeout=1)
                        raise RouteLost(self._reason("kubectl port-forward ended"))
        except TimeoutError as error:
            raise RouteLost(self._reason("kubectl port-forward does not connect")) from error

    async def _read_output(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        while line := await self._process.stdout.readline():
            if mapped := _MAPPED.search(line.decode(errors="replace")):
                self._ports[int(mapped[2])] = int(mapped[1])
                self._mapped.set()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        while line := await self._process.stderr.readline():
            text = line.decode(errors="replace").strip()
            print(text, file=sys.stderr, flush=True)
            self._errors.append(text)

    def _reason(self, words: str) -> str:
        return f"{words}: {self._errors[-1]}" if self._errors else words


async def open_route(config: ForwardConfig) -> tuple[ClusterRoute, str]:
    """Return the way that was asked for, else the forward by the API server, and why it is not the former.

    Raises:
        RouteLost: The gateway cannot be reached at all.
    """
    if config.reach == "forward":
        return await KubectlRoute.open(config), ""
    try:
        return await open_direct(config), ""
    except RouteLost as error:
        return await KubectlRoute.open(config), f"{error}; the API server forwards instead"


async def open_direct(config: ForwardConfig) -> DirectRoute:
    """Return the address of the Service.

    Raises:
        RouteLost: It has none, or it cannot be reached from here.
    """
    service = await _asked(config, "get", "service", config.name)
    selector = ",".join(f"{key}={value}" for key, value in service["spec"]["selector"].items())
    pods = await _asked(config, "get", "pods", "--selector", selector) if config.reach == "node-port" else {}
    route = direct_route(config, service, pods)
    await route.check()
    return route


def direct_route(config: ForwardConfig, service: Mapping[str, Any], pods: Mapping[str, Any]) -> DirectRoute:
    """Return the address of a Service.

    Args:
        config: What is asked for.
        service: The Service.
        pods: The list of its pods. A node that runs one has the node port, and naming it needs no right outside the namespace.

    Raises:
        RouteLost: It has no address.
    """
    ports = {each["port"]: each for each in service["spec"]["ports"]}
    if config.reach == "load-balancer":
        given = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
        host = next((each.get("ip") or each.get("hostname") for each in given), "")
        if not host:
            raise RouteLost("the load balancer of the cluster has given no address")
        return DirectRoute(f"load-balancer {host}", host, {port: port for port in config.ports.values()})
    host = next((each["status"]["hostIP"] for each in pods.get("items", ()) if each["status"].get("hostIP")), "")
    if not host:
        raise RouteLost("no node has a pod of the gateway")
    numbers = {port: ports.get(port, {}).get("nodePort", 0) for port in config.ports.values()}
    if not all(numbers.values()):
        raise RouteLost("the cluster has given no node ports")
    return DirectRoute(f"node-port {host}", host, numbers)


async def _asked(config: ForwardConfig, *arguments: str) -> Any:
    try:
        process = await asyncio.create_subprocess_exec(
            *config.kubectl, *arguments, "--namespace", config.namespace, "--output", "json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_end_with_parent,
        )  # fmt: skip
        async with asyncio.timeout(_QUICK):
            output, errors = await process.communicate()
    except (OSError, TimeoutError) as error:
        raise RouteLost(f"kubectl {arguments[0]} failed: {error or 'no answer in time'}") from error
    if process.returncode:
        raise RouteLost(errors.decode(errors="replace").strip().splitlines()[-1] if errors else "kubectl failed")
    return json.loads(output)


async def _healthz(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /healthz HTTP/1.0\r\nHost: gateway\r\n\r\n")
        await writer.drain()
        return await reader.readuntil(b"\r\n")
    finally:
        writer.close()


def _end_with_parent() -> None:
    """Let the kernel end the new process when this one ends, however that happens. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
