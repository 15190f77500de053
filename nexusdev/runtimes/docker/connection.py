"""Finds the engine, connects to it, and translates its failures into NexusErrors."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nexusdev.errors import NexusError, NotFound, PreflightFailed, RuntimeSlow
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.docker.http_client import EngineEndpoint, EngineHttpClient
from nexusdev.util.home import home_folder

if TYPE_CHECKING:
    from docker import APIClient

OLDEST_API = (1, 41)  # Docker 20.10
GREETING = 15.0  # seconds in which even a busy engine must return its version
_CLOCK_READINGS, _QUICK_READING = (
    3,
    0.1,
)  # how often the clock is read at most; seconds in which an answer is exact enough
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
# packages whose errors mean that no response came; matched by name, so that none of them has to be imported
_TRANSPORT_ERRORS = ("docker", "requests", "urllib3", "http")
# errors of a socket that are no ConnectionError; those of files name their file
_SOCKET_ERRORS = frozenset(
    {
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EAGAIN, errno.ENOTCONN, errno.EBADF),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    }
)
_START = "sudo systemctl start docker   on Linux; with Docker Desktop, start the application\nnexusdev doctor   check the engine"


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


def find_endpoint(environ: Mapping[str, str], home: Path | None) -> EngineEndpoint:
    """Find the engine: DOCKER_HOST, then DOCKER_CONTEXT, then the current context of ~/.docker/config.json, then the usual socket.

    Args:
        environ: The environment.
        home: The home folder; None if it is unknown, which is treated like a home without ``.docker``.
    """
    settings = home / ".docker" if home else Path("/nonexistent")
    if host := environ.get("DOCKER_HOST"):
        verify = environ.get("DOCKER_TLS_VERIFY", "") not in ("", "0")
        folder = Path(environ.get("DOCKER_CERT_PATH") or settings) if verify else None
        return EngineEndpoint(url=host, origin="DOCKER_HOST", certificates=folder)
    folder = Path(environ.get("DOCKER_CONFIG") or settings)
    context = environ.get("DOCKER_CONTEXT") or _read(folder / "config.json").get("currentContext") or "default"
    if context == "default":
        return EngineEndpoint(url=DEFAULT_SOCKET, origin="the default socket")
    name = hashlib.sha256(context.encode()).hexdigest()
    host = _read(folder / "contexts" / "meta" / name / "meta.json").get("Endpoints", {}).get("docker", {}).get("Host")
    if not host:
        raise PreflightFailed(
            f"the Docker context {context} does not exist",
            hint="docker context ls    then: docker context use NAME",
            code="ENGINE_NOT_FOUND",
        )
    certificates = folder / "contexts" / "tls" / name / "docker"
    return EngineEndpoint(
        url=host, origin=f"Docker context {context}", certificates=certificates if certificates.is_dir() else None
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
        raise _not_found(endpoint, "it is not a Docker engine") from error
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
        raise _not_found(endpoint, f"{path} does not exist")
    if not os.access(path, os.R_OK | os.W_OK):
        raise _not_allowed(endpoint)


def _not_found(endpoint: EngineEndpoint, why: str) -> PreflightFailed:
    return PreflightFailed(
        "no Docker engine answers",
        why=f"{why} ({endpoint.origin})",
        hint=_START,
        evidence=[endpoint.url],
        code="ENGINE_NOT_FOUND",
    )


def _not_allowed(endpoint: EngineEndpoint) -> PreflightFailed:
    owner, group = _owner(endpoint.url.partition("://")[2])
    return PreflightFailed(
        f"not allowed to use the Docker engine at {endpoint.url}",
        why=f"the socket belongs to {owner}" if owner else "you have no permission for the socket or a folder above it",
        hint=f"on Linux: sudo usermod -aG {group} $USER, then log in again; with Docker Desktop: docker context use desktop-linux",
        code="ENGINE_NOT_ALLOWED",
    )


def _owner(path: str) -> tuple[str, str]:
    """Return the owner of a socket, in words, and its group; '' and 'docker' if they cannot be read."""
    try:
        place = Path(path)
        user, group, mode = place.owner(), place.group(), place.stat().st_mode & 0o777
    except (OSError, KeyError):
        return "", "docker"
    return f"{user}, group {group}, mode {mode:04o}", group if group != "root" else "docker"


@contextlib.contextmanager
def translate_engine_errors(endpoint: EngineEndpoint, *, connecting: bool = False) -> Iterator[None]:
    """Convert errors of the engine and the SDK: PreflightFailed (it is gone or refuses), ImageUnavailable or NotFound (no such resource)."""
    try:
        yield
    except NexusError:
        raise
    except Exception as error:
        if getattr(error, "explanation", None) is not None or getattr(error, "status_code", None):
            raise (_no_engine(endpoint, error) if connecting else _refused(error)) from error
        if _is_of_the_connection(error):
            raise _unreachable(endpoint, error, connecting=connecting) from error
        raise


def _is_of_the_connection(error: Exception) -> bool:
    """Return whether no response came. A local file that cannot be read or written is another error, although it is an OSError too."""
    if type(error).__module__.partition(".")[0] in _TRANSPORT_ERRORS:
        return True
    if isinstance(error, ConnectionError | TimeoutError | ssl.SSLError | socket.gaierror):
        return True
    return isinstance(error, OSError) and error.filename is None and error.errno in _SOCKET_ERRORS


def _unreachable(endpoint: EngineEndpoint, error: Exception, *, connecting: bool) -> PreflightFailed:
    words = str(error)
    if "Permission denied" in words:
        return _not_allowed(endpoint)
    if connecting:
        silent = isinstance(error, TimeoutError)
        return _not_found(endpoint, f"no answer within {GREETING:.0f} s" if silent else "nothing is listening there")
    if _timed_out(error) and _answers(endpoint):
        return RuntimeSlow(
            "the Docker engine is too slow",
            why=f"it answers at {endpoint.url}, but a request got no answer in time: other containers keep this machine busy",
            hint="docker stats   see what is busy; try again when it has calmed down",
            evidence=[words],
        )
    return PreflightFailed(
        "lost the connection to the Docker engine",
        why=f"{endpoint.url} ({endpoint.origin}) stopped answering",
        hint=_START,
        evidence=[words],
        code="ENGINE_LOST",
    )


def _timed_out(error: BaseException | None) -> bool:
    """Return whether the request timed out. The SDK wraps the socket's error, in some versions as text only."""
    while error is not None:
        if isinstance(error, TimeoutError) or "timed out" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _answers(endpoint: EngineEndpoint) -> bool:
    """Return whether the engine answers a version request."""
    try:
        return bool(EngineHttpClient(endpoint, timeout=GREETING).version())
    except Exception:  # any error means that there is no valid response
        return False


def _no_engine(endpoint: EngineEndpoint, error: Any) -> PreflightFailed:
    """Return the error for an endpoint without a version answer: a proxy or another kind of server."""
    words = f": {error.explanation}" if error.explanation else ""
    return _not_found(
        endpoint, f"what answers there is no Docker engine, or a proxy that refuses (HTTP {error.status_code}{words})"
    )


def _refused(error: Any) -> NexusError:
    from nexusdev.runtimes import shared_errors
    from nexusdev.runtimes.docker import conflicts

    words = str(error.explanation or error)
    if image := conflicts.missing_image(words):
        return shared_errors.image_missing("", image)
    if error.status_code == 404:  # noqa: PLR2004 - HTTP
        return NotFound(words, hint="nexusdev status")
    return docker_errors.refused(words)
