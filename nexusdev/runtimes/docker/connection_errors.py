"""Translates failures of the connection to the engine, and refusals of the engine, into NexusErrors."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nexusdev.errors import NexusError, NotFound, PreflightFailed, RuntimeSlow
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.docker.http_client import EngineEndpoint, EngineHttpClient

GREETING = 15.0  # seconds in which even a busy engine must return its version
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


def engine_not_found(endpoint: EngineEndpoint, why: str) -> PreflightFailed:
    """Return the error for an address at which no engine answers; ``why`` says what was found instead."""
    return PreflightFailed(
        "no Docker engine answers",
        why=f"{why} ({endpoint.origin})",
        hint=_START,
        evidence=[endpoint.url],
        code="ENGINE_NOT_FOUND",
    )


def engine_not_allowed(endpoint: EngineEndpoint) -> PreflightFailed:
    """Return the error for a socket that this user may not use."""
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
        return engine_not_allowed(endpoint)
    if connecting:
        silent = isinstance(error, TimeoutError)
        return engine_not_found(
            endpoint, f"no answer within {GREETING:.0f} s" if silent else "nothing is listening there"
        )
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
    return engine_not_found(
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
