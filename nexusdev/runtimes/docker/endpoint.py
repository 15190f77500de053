"""Finds the address of the engine, as Docker's own client does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.http_client import EngineEndpoint

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


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
