"""The state folder of an instance, for what labels cannot keep. Atomic writes, readable by its owner only.

    <root>/instances/<name>/instance.json   who it is: owner, port block, placement, nonce (schema version 1)
                            secrets/ tls/   see secrets.py and certificates.py
                            metrics.prom    nexusdev's own numbers for Prometheus, see textfile_metrics.py
                            passwd          for servers that want a name for their uid
                            volumes.json    the data volumes that have existed, see volume_marks.py
                            configs/        copies of the stack's config files, which containers have mounted
                            compose.env     the interpolation variables, for plain ``docker compose --env-file``
                            own-targets.json  where Prometheus scrapes own services, see own_targets.py
                            own-services.json  the numbers of the project's own services, see own_allocations.py
                            variables.json  the proven variables of the last ``up``, so that ``env`` answers at once
    <root>/locks/instance-<name>.lock       held by who works on it, see lock.py (outside the folder, so that ``destroy`` can hold it to the end)
    <root>/allocation.lock                  held while a port block is chosen

``root``: see paths.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from nexusdev.errors import InvalidState
from nexusdev.instance.paths import folder_of, instances, lock_file, state_root
from nexusdev.instance.project_places import Place
from nexusdev.stack.model import COPIES
from nexusdev.util.files import make_folder, replace
from nexusdev.util.home import ANOTHERS_HOME

__all__ = ["Record", "container_user", "folder_of", "instances", "lock_file", "state_root"]

SCHEMA_VERSION = 1
_ROOT_CONTAINER_ID = 10001
_READABLE = 0o644
_KINDS: Mapping[str, type] = {"str": str, "int": int, "bool": bool, "tuple[str, ...]": list}


class Record(Struct, frozen=True, kw_only=True):
    """The content of instance.json.

    Attributes:
        slot: The port block is 21000 + 100·slot … + 99.
        net: First three octets of the /24.
        uid, gid: The container user.
        created_at: ISO 8601, UTC.
        mount, filesystem, inode: The owner's place when it was last used from there (see project_places.py); empty in older records.
        runtime: Name of the runtime; docker in older records.
        single: The profile with single servers that its stack is derived from; '' for the whole stack.
        in_memory: Whether its data is in memory instead of volumes.
        former: The earlier owner folders: labels of older resources have their paths.
    """

    name: str
    owner: str
    slot: int
    net: str
    nonce: str
    uid: int
    gid: int
    created_at: str = ""
    mount: str = ""
    filesystem: str = ""
    inode: int = 0
    runtime: str = "docker"
    single: str = ""
    in_memory: bool = False
    former: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where the owner's folder was last seen."""
        return Place(mount=self.mount, filesystem=self.filesystem, inode=self.inode)


def container_user(root: Path, *, rootless: bool = False) -> tuple[int, int]:
    """Return uid and gid of every container, such that it can read files of mode 0600 that nexusdev creates.

    A rootless engine maps the host user to 0. Containers of root get 10001 (and the files are chowned), others the user's own ids. Root in
    the home of another user (``sudo -E``) acts for that user.

    Args:
        root: The folder of the state of all instances, which need not exist.
        rootless: Whether the engine is rootless.
    """
    if rootless:
        return 0, 0
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    owner = next(each for each in (root, *root.absolute().parents) if each.exists()).stat()
    return (owner.st_uid, owner.st_gid) if owner.st_uid else (_ROOT_CONTAINER_ID, _ROOT_CONTAINER_ID)


def write_record(folder: Path, record: Record) -> None:
    """Write instance.json atomically."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(record)}
    replace(folder / "instance.json", json.dumps(document, indent=2) + "\n")


def read_record(folder: Path) -> Record | None:
    """Return the content of instance.json; None if there is none.

    Raises:
        InvalidState: It is invalid, or newer than this version.
    """
    file = folder / "instance.json"
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise InvalidState(f"failed to read {file}", why="permission denied", hint=ANOTHERS_HOME) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file, folder.name, f"failed to read it: {error}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unusable(file, folder.name, f"it is truncated or not JSON: {error}") from error
    return _record(file, folder.name, document)


def _record(file: Path, name: str, document: Any) -> Record:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise InvalidState(
            f"{file} was written by a newer nexusdev",
            why=f"it has schema version {version}; this nexusdev reads up to {SCHEMA_VERSION}",
            hint="pipx upgrade nexusdev   (or use the version that wrote it)",
        )
    if version != SCHEMA_VERSION:
        raise _unusable(file, name, f"unknown schema version: {version!r}")
    if wrong := [key for key in Record.__annotations__ if not _fits(key, document)]:
        raise _unusable(file, name, f"missing or of the wrong type: {', '.join(wrong)}")
    if document["name"] != name:
        raise _unusable(
            file, name, f"it is the record of instance {document['name']!r}: the state folder was copied or renamed"
        )
    return Record(
        **{**{key: document[key] for key in Record.__annotations__ if key in document}, "former": _former(document)}
    )


def _former(document: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in document.get("former", ()))


def _fits(key: str, document: Mapping[str, Any]) -> bool:
    """Return whether a field has its type. A field with a default may be missing, as in a record of an older version."""
    if key not in document:
        return key not in Record.__struct_fields__[: -len(Record.__struct_defaults__)]
    return type(document[key]) is _KINDS[Record.__annotations__[key]]


def _unusable(file: Path, name: str, why: str) -> InvalidState:
    return InvalidState(
        f"invalid state of instance {name}: {file}",
        why=why,
        hint=f"nexusdev -i {name} destroy   remove its containers, data and state, then nexusdev up recreates it"
        " (or put the file back from a backup)",
    )


def records(root: Path) -> Iterator[Record]:
    """Yield the readable records of all instances. Others are skipped, because the commands of those instances report them."""
    for folder in instances(root):
        try:
            record = read_record(folder)
        except InvalidState:
            continue
        if record:
            yield record


def passwd(uid: int, gid: int) -> str:
    """Return the content of a passwd file with a name for the user of the servers."""
    lines = ["root:x:0:0:root:/root:/usr/sbin/nologin"]
    if uid:
        lines.append(f"nexus:x:{uid}:{gid}:nexus:/tmp:/usr/sbin/nologin")
    return "".join(f"{line}\n" for line in lines)


def write_passwd(folder: Path, uid: int, gid: int) -> None:
    """Write a passwd file with a name for the container user, which initdb needs."""
    content = passwd(uid, gid)
    file = folder / "passwd"
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        replace(file, content, mode=0o644)


def copy_configs(folder: Path, files: Mapping[str, Path]) -> None:
    """Copy the stack's config files, so that every container can read them, whatever the umask of the checkout or installation was.

    A file that did not change keeps its inode.

    Args:
        folder: The state folder of the instance.
        files: Config → its file.

    Raises:
        StorageFailed: A copy cannot be written.
    """
    copies = folder / COPIES
    make_folder(copies)
    for name, file in files.items():
        copy, content = copies / name, file.read_bytes()
        if not copy.exists() or copy.read_bytes() != content or copy.stat().st_mode & 0o777 != _READABLE:
            replace(copy, content, mode=_READABLE)


def write_compose_env(folder: Path, values: Mapping[str, str]) -> None:
    """Write compose.env for ``docker compose --env-file``, only if something changed."""
    content = "".join(f"{name}={value}\n" for name, value in values.items())
    file = folder / "compose.env"
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        replace(file, content)


def read_compose_env(folder: Path) -> bytes | None:
    """Return the content of compose.env; None if there is none."""
    try:
        return (folder / "compose.env").read_bytes()
    except FileNotFoundError:
        return None


def restore_compose_env(folder: Path, content: bytes | None) -> None:
    """Put an earlier content of compose.env back. ``content``: None if there was none."""
    if content is None:
        (folder / "compose.env").unlink(missing_ok=True)
    elif read_compose_env(folder) != content:
        replace(folder / "compose.env", content)


def remove(folder: Path) -> None:
    """Remove the state of an instance. Reads none of its files, so that an invalid state can be removed too."""
    shutil.rmtree(folder, ignore_errors=False) if folder.is_dir() else None
