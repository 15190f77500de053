"""Reads a file back from a container, with the user, the rights and the mount that a service has for its secrets.

Mandatory access control (SELinux), a folder on a network file system, or an engine that maps users can keep containers from files that
exist and whose modes are right. Only a container can tell.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nexusdev.interfaces import ReadBack
from nexusdev.runtimes.docker import create
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.stack.model import Service, Stack
from nexusdev.util.files import replace

_TARGET = "/run/nexusdev-read-back"
_LONGEST = 60
# runc, then crun. runc also says "no such file or directory" of a mount, but not of ``exec: "sh"``.
_NO_SHELL = re.compile(r'executable file (?:`sh` )?not found|exec:? "?(?:/\S*/)?sh"?: .*no such file or directory')
# A full disk may appear while something else is mounted.
_OF_THE_FILE = re.compile(
    r"^(?!.*no space left).*(?:mount|bind source|not shared|permission denied|not permitted)", re.IGNORECASE | re.DOTALL
)


def read_back(engine: Engine, stack: Stack, names: create.ResourceNames, image: str) -> ReadBack | None:
    """Run the container and remove it. See ``interfaces.Runtime.read_back``.

    Args:
        engine: The engine.
        stack: The stack, whose secrets exist.
        names: Names and labels of the instance's resources.
        image: The image to run.
    """
    found = _reader(stack, image)
    if found is None:
        return None
    service, secret = found
    with translate_engine_errors(engine.endpoint), _like(secret) as (file, content):
        config = create.read_back_config(service, names, str(file), _TARGET)
        code, output = _run(engine.api, config)
        if code is None:
            return None
        limit, _, rest = output.partition("\n")
        read = code == 0 and rest == content
        return ReadBack(
            user=service.user or "root",
            problem="" if read else _problem(file, rest if limit.isdigit() or limit == "unlimited" else output),
            hint="" if read else _hint(names.state_path),
            open_files=int(limit) if limit.isdigit() else 0,
        )


def _reader(stack: Stack, image: str) -> tuple[Service, Path] | None:
    """Return a service of the platform with this image, and a secret that it mounts."""
    for service in stack.services.values():
        secret = next((each.source for each in service.files if each.kind == "secret" and each.source.is_file()), None)
        if service.image == image and not service.own and secret:
            return service, secret
    return None


@contextlib.contextmanager
def _like(secret: Path) -> Iterator[tuple[Path, str]]:
    """Yield a file beside a secret, with the same owner and mode but no secret in it, and its content."""
    content = secrets.token_hex(16)
    file = secret.with_name(f".read-back-{secrets.token_hex(8)}")
    status = secret.stat()
    try:
        replace(file, content, mode=status.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(file, status.st_uid, status.st_gid)
        yield file, content
    finally:
        file.unlink(missing_ok=True)


def _run(api: Any, config: dict[str, Any]) -> tuple[int | None, str]:
    """Return the exit code and the output; no exit code if the image has no shell.

    Raises:
        docker.errors.APIError: The engine refused for a reason that has nothing to do with the file.
    """
    import docker.errors

    made = None
    try:
        made = api.create_container_from_config(config)["Id"]
        api.start(made)
        code = int(api.wait(made, timeout=_LONGEST)["StatusCode"])
        return code, api.logs(made).decode(errors="replace")
    except docker.errors.APIError as error:
        reason = str(error.explanation)
        if _NO_SHELL.search(reason):
            return None, ""
        if not _OF_THE_FILE.search(reason):
            raise
        return 1, reason
    finally:
        if made:
            api.remove_container(made, force=True)


def _problem(file: Path, output: str) -> str:
    status = file.stat()
    said = " ".join(output.replace(_TARGET, "the file").split()) or "it read something else"
    return f"{said}; on this machine it belongs to {status.st_uid}:{status.st_gid}, mode {status.st_mode & 0o777:04o}"


def _hint(state_path: str) -> str:
    return (
        f"chcon -R -t container_file_t {state_path}   with SELinux: let containers read the folder\n"
        "NEXUSDEV_STATE_DIR=/a/local/folder nexusdev up   on a network file system: use a local disk\n"
        "docker info   look for rootless and userns in its security options"
    )
