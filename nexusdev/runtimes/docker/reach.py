"""Checks, before an instance is created, that the engine can access this machine: the state files, their users, and 127.0.0.1.

If nexusdev runs in a container with the host's socket, the engine sees other files and publishes ports on another network.
"""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.checks import require_room
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.util.files import make_folder, replace

if TYPE_CHECKING:
    from nexusdev.runtimes.docker.connection import Engine, EngineFacts

_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_INTERFACES = Path("/sys/class/net")
_UNSEEN = ("bind source path does not exist", "is not shared", "Mounts denied")
_IN_PLACE = "mount the state and the project at the same paths, and use the machine's network"


def require_reach(engine: Engine, facts: EngineFacts, root: Path) -> None:
    """Raise an error if containers could not read the instance's files, or if ports would be published on another machine.

    Args:
        engine: The engine.
        facts: What it says about itself.
        root: The folder of the state of all instances; created if it is missing.

    Raises:
        PreflightFailed: The disk is nearly full (DISK_FULL), the engine maps users (USERNS_REMAP), sees other files
            (FILES_NOT_SHARED) or publishes ports on another network (PORTS_NOT_SHARED).
    """
    require_room(Path(facts.data_root))  # below, a container is created
    require_same_users(facts)
    with translate_engine_errors(engine.endpoint):
        if not facts.rootless and is_apart(engine.http.networks()):
            raise _ports_elsewhere(root)
        if not sees(engine.api, root):
            raise _files_elsewhere(root, engine.endpoint.url)


def require_same_users(facts: EngineFacts) -> None:
    """Raise an error if users in containers are other users on this machine.

    Raises:
        PreflightFailed: The engine maps users (USERNS_REMAP).
    """
    if facts.maps_users:
        raise users_mapped()


def users_mapped() -> PreflightFailed:
    """Return the error for an engine with userns-remap."""
    return PreflightFailed(
        "the engine maps users, so that containers cannot read the instance's secrets",
        why="userns-remap is on: in a container, your files belong to nobody, and secrets are readable by their owner only",
        hint='sudoedit /etc/docker/daemon.json   remove "userns-remap"; then: sudo systemctl restart docker\n'
        "dockerd-rootless-setuptool.sh install   or use a rootless engine, which runs containers as your user",
        code="USERNS_REMAP",
    )


def is_apart(networks: Iterable[Any], *, interfaces: Path = _INTERFACES, marks: Iterable[Path] = _MARKS) -> bool:
    """Return whether this process is in a container with its own network: no bridge of the engine is an interface here.

    Args:
        networks: The engine's list of networks.
        interfaces: The kernel's folder of network interfaces.
        marks: Files that exist only in a container.
    """
    if not any(mark.exists() for mark in marks):
        return False
    bridges = [_interface(each) for each in networks if each.get("Driver") == "bridge"]
    return bool(bridges) and not any((interfaces / name).exists() for name in bridges)


def _interface(network: Any) -> str:
    """Return the name of the engine's bridge for a network."""
    named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(named or f"br-{network['Id'][:12]}")


def sees(api: Any, root: Path) -> bool:
    """Return whether the engine can mount a file of the folder. Creates a container with the mount, which is never started.

    Args:
        api: A ``docker.APIClient``.
        root: The folder.
    """
    import docker.errors

    make_folder(root)
    probe = root / f".probe-{secrets.token_hex(8)}"
    replace(probe, "")
    try:
        with _any_image(api) as image:
            mount = {"Type": "bind", "Source": str(probe), "Target": "/probe", "ReadOnly": True}
            host = {"NetworkMode": "none", "Mounts": [mount]}
            made = api.create_container_from_config({"Image": image, "Entrypoint": ["true"], "HostConfig": host})
            api.remove_container(made["Id"], force=True)
    except docker.errors.APIError as error:
        if any(words in str(error.explanation) for words in _UNSEEN):
            return False
        raise
    finally:
        probe.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def _any_image(api: Any) -> Iterator[str]:
    """Yield an image that the engine has; if it has none, an empty image that is removed afterwards."""
    if stored := api.images(quiet=True):
        yield stored[0]
        return
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w"):
        pass
    reference = f"nexusdev/probe:{secrets.token_hex(8)}"
    name, _, tag = reference.partition(":")
    api.import_image_from_data(empty.getvalue(), repository=name, tag=tag)
    try:
        yield reference
    finally:
        api.remove_image(reference, force=True)


def _files_elsewhere(root: Path, url: str) -> PreflightFailed:
    return PreflightFailed(
        "the engine does not see the files of this machine",
        why=f"{root} does not exist for the engine at {url}: nexusdev runs in a container, or the engine in a virtual machine "
        "that does not share this folder",
        hint=f'docker run --network host -v {root}:{root} -v "$PWD:$PWD" -w "$PWD" …   {_IN_PLACE}\n'
        "NEXUSDEV_STATE_DIR=/a/shared/folder nexusdev up   with Docker Desktop: a folder that it shares",
        code="FILES_NOT_SHARED",
    )


def _ports_elsewhere(root: Path) -> PreflightFailed:
    return PreflightFailed(
        "the ports of the stack would not be reachable from here",
        why="nexusdev runs in a container with a network of its own; the engine publishes ports on 127.0.0.1 of its machine",
        hint=f'docker run --network host -v {root}:{root} -v "$PWD:$PWD" -w "$PWD" …   {_IN_PLACE}',
        code="PORTS_NOT_SHARED",
    )
