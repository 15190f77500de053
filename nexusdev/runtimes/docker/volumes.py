"""Makes volumes writable for any uid: the root of a new one gets mode 1777, whatever the image.

A new volume gets the mode of the mount point in the image. If the image has no mount point, the root is written through a container
that is never started. That works with any image and any engine, including an engine on another machine.
"""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from nexusdev.runtimes.docker.create import ResourceNames, helper_config
from nexusdev.stack.model import Service

_ANYBODY = 0o1777
_ALL, _STICKY_IN_GO = 0o777, 1 << 20  # the engine returns modes in Go's encoding
_FILL = "nexusdev-volume"


def open_volumes(api: Any, service: Service, container: str, names: ResourceNames) -> None:
    """Make the root folders of a service's volumes writable.

    Args:
        api: A ``docker.APIClient``.
        service: The service.
        container: A container that was created with the service's volumes.
        names: Names and labels of the instance's resources.
    """
    closed = {
        names.volume(mount.volume): f"/{_FILL}-{index}"
        for index, mount in enumerate(service.volumes)
        if not _is_open(api, container, mount.target)
    }
    if not closed:
        return
    helper = api.create_container_from_config(helper_config(service, names, closed))["Id"]
    try:
        api.put_archive(helper, "/", _open_folders(closed.values()))
    finally:
        api.remove_container(helper, force=True, v=True)


def _is_open(api: Any, container: str, path: str) -> bool:
    """Return whether a path in a container has mode 1777, from the header of the engine's HEAD response."""
    url = api._url("/containers/{0}/archive", container)
    reply = api.head(url, params={"path": path}, timeout=api.timeout)
    if not reply.ok:
        return False
    mode = json.loads(b64decode(reply.headers["X-Docker-Container-Path-Stat"]))["mode"]
    return bool(mode & _ALL == _ALL and mode & _STICKY_IN_GO)


def _open_folders(folders: Iterable[str]) -> bytes:
    """Return a tar archive of empty folders that every user may write to."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in folders:
            entry = tarfile.TarInfo(folder.strip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, _ANYBODY
            archive.addfile(entry)
    return packed.getvalue()
