"""Connects to the engine and reads its facts and its clock."""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.connection_errors import (
    GREETING,
    engine_not_allowed,
    engine_not_found,
    translate_engine_errors,
)
from nexusdev.runtimes.docker.endpoint import find_endpoint
from nexusdev.runtimes.docker.http_client import EngineEndpoint, EngineHttpClient
from nexusdev.util.home import home_folder

if TYPE_CHECKING:
    from docker import APIClient

OLDEST_API = (1, 41)  # Docker 20.10
_CLOCK_READINGS, _QUICK_READING = (
    3,
    0.1,
)  # how often the clock is read at most; seconds in which an answer is exact enough


class EngineFacts(Struct, frozen=True, kw_only=True):
    """Information about the engine for ``doctor``. Sizes in bytes.

    Attributes:
        time: The engine's clock, as an ISO 8601 time.
        maps_users: Whether userns-remap is enabled.
        identity: Its id, data folder and security options.
    """

    endpoint: str
    origin: str
    version: str
    api_version: str
    operating_system: str
    cpus: int
    memory_bytes: int
    data_root: str
    containers: int
    rootless: bool
    maps_users: bool = False
    time: str = ""
    identity: str = ""


class Engine:
    """A thread-safe connection to the engine.

    Attributes:
        http: Client for queries.
        api: The Docker SDK for changes, imported at its first use.
    """

    def __init__(self, endpoint: EngineEndpoint, *, version: str, timeout: float = 60) -> None:
        self.endpoint = endpoint
        self.version = version
        self.http = EngineHttpClient(endpoint, version=version, timeout=timeout)
        self._timeout = timeout

    @cached_property
    def api(self) -> APIClient:
        import docker

        with translate_engine_errors(self.endpoint):
            api = docker.APIClient(
                base_url=self.endpoint.url, version=self.version, timeout=self._timeout, tls=_tls(self.endpoint)
            )
        # the engine is on this machine: ignore proxies and netrc of the environment
        api.trust_env = False
        return api

    def with_timeout(self, timeout: float) -> Engine:
        """Return the same engine with another timeout, for requests that take longer.

        The endpoint and the API version are reused.

        Args:
            timeout: In seconds.
        """
        return Engine(self.endpoint, version=self.version, timeout=timeout)

    def now(self) -> float:
        """Return the engine's time, in seconds since the epoch.

        The engine's clock may differ from this machine's, for example in a virtual machine. It is read once and then advanced by this
        process's monotonic clock, so that clock corrections have no effect.
        """
        return time.monotonic() + self._offset

    @cached_property
    def _offset(self) -> float:
        """The difference between the engine's clock and the monotonic clock. The fastest answer counts: its error is at most half its duration."""
        found = []
        for _ in range(_CLOCK_READINGS):
            took, offset = self._read_clock()
            if took < _QUICK_READING:
                return offset
            found.append((took, offset))
        return min(found)[1]

    def _read_clock(self) -> tuple[float, float]:
        from nexusdev.runtimes.docker.observe import seconds

        asked = time.monotonic()
        with translate_engine_errors(self.endpoint):
            told = self.http.info().get("SystemTime", "")
        answered = time.monotonic()
        return answered - asked, (seconds(told) or time.time()) - (asked + answered) / 2

    def facts(self) -> EngineFacts:
        """Return the facts, from one /info and one /version request."""
        with translate_engine_errors(self.endpoint):
            info, version = self.http.info(), self.http.version()
        return EngineFacts(
            endpoint=self.endpoint.url,
            origin=self.endpoint.origin,
            version=version.get("Version", ""),
            api_version=version.get("ApiVersion", ""),
            operating_system=info.get("OperatingSystem", ""),
            cpus=info.get("NCPU", 0),
            memory_bytes=info.get("MemTotal", 0),
            data_root=info.get("DockerRootDir", ""),
            containers=info.get("Containers", 0),
            rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
            maps_users=any("name=userns" in option for option in info.get("SecurityOptions") or ()),
            time=info.get("SystemTime", ""),
            identity=" ".join(
                [info.get("ID") or "", info.get("DockerRootDir", ""), *(info.get("SecurityOptions") or ())]
            ),
        )


def engine() -> Engine:
    """Connect to the engine of this process's environment. Raises PreflightFailed."""
    return connect(find_endpoint(os.environ, home_folder()))


def connect(endpoint: EngineEndpoint, *, timeout: float = 60) -> Engine:
    """Connect to the engine and negotiate the API version.

    Args:
        endpoint: Where the engine listens.
        timeout: Time limit of one request, in seconds.

    Raises:
        PreflightFailed: ENGINE_NOT_FOUND, ENGINE_NOT_ALLOWED, ENGINE_TOO_OLD or ENGINE_NOT_LOCAL.
    """
    if not endpoint.is_local:
        raise PreflightFailed(
            f"{endpoint.url} is another machine",
            why=f"{endpoint.origin} points there; the stack needs an engine on this machine",
            hint="unset DOCKER_HOST; docker context use default",
            code="ENGINE_NOT_LOCAL",
        )
    _look_at_socket(endpoint)
    with translate_engine_errors(endpoint, connecting=True):
        told = EngineHttpClient(endpoint, timeout=min(timeout, GREETING)).version()
    try:
        version = str(told["ApiVersion"])
        spoken = tuple(int(part) for part in version.split("."))
    except (KeyError, TypeError, ValueError) as error:
        raise engine_not_found(endpoint, "it is not a Docker engine") from error
    if spoken < OLDEST_API:
        raise PreflightFailed(
            f"the engine at {endpoint.url} is too old",
            why=f"it speaks API {version}; 1.41 (Docker 20.10) is required",
            hint="on Linux: upgrade docker.io or docker-ce; with Docker Desktop: update the application",
            code="ENGINE_TOO_OLD",
        )
    return Engine(endpoint, version=version, timeout=timeout)


def _tls(endpoint: EngineEndpoint) -> Any:
    from docker.tls import TLSConfig

    folder = endpoint.certificates
    if folder is None:
        return False
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=True)


def _look_at_socket(endpoint: EngineEndpoint) -> None:
    """Raise different errors for a missing and a forbidden socket, because the SDK raises the same one for both."""
    kind, _, path = endpoint.url.partition("://")
    if kind != "unix":
        return
    try:
        exists = Path(path).exists()
    except PermissionError:
        exists = True
    if not exists:
        raise engine_not_found(endpoint, f"{path} does not exist")
    if not os.access(path, os.R_OK | os.W_OK):
        raise engine_not_allowed(endpoint)
