"""The store of snapshots. Snapshots are kept outside the state folder of their instance, so that they outlive it.

    <root>/snapshots/<instance>/<name>/
        manifest.json             what it is: instance, time, versions, sizes (schema version 1)
        volumes/<volume>.tar.gz   one archive per data volume
        state.tar.gz              secrets, certificates with the CA, records of leases
        SHA256SUMS                a checksum for each of these files; ``sha256sum -c SHA256SUMS`` verifies it by hand

A snapshot is written to ``.<name>.partial`` and renamed when it is complete, so one that has its name is whole. An exported snapshot is a
tar of the folder. All files have mode 0600: they contain the instance's secrets.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from nexusdev.errors import InvalidState, NotFound, PreflightFailed, UsageError
from nexusdev.instance.naming import NAME
from nexusdev.util.files import explained, make_folder, replace
from nexusdev.util.humanize import si
from nexusdev.util.nearest import nearest

SCHEMA_VERSION = 1
MANIFEST, SUMS, STATE, VOLUMES = "manifest.json", "SHA256SUMS", "state.tar.gz", "volumes"
_PARTIAL, _OLD = ".partial", ".old"
_CHUNK = 1024 * 1024
#: What a state folder has that belongs to the data: all else is made again, or belongs to the place.
STATE_FOLDERS = ("secrets", "tls", "leases")
_STATE_FILES = ("instance.json", "up.json")
_LEFT_OUT = frozenset({".locks"})
_MEMBER = re.compile(r"manifest\.json|SHA256SUMS|state\.tar\.gz|volumes/[\w.-]+\.tar\.gz")
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


class SavedVolume(Struct, frozen=True, kw_only=True):
    """A volume of a snapshot. ``size``: bytes of its archive before compression."""

    size: int
    compressed: int


class SnapshotManifest(Struct, frozen=True, kw_only=True):
    """The content of manifest.json.

    Attributes:
        name: The snapshot's name when it was saved.
        instance: The instance that it was taken of.
        created: When, in seconds since the epoch.
        nexusdev: The version that saved it.
        runtime: Where the instance ran.
        nonce: The instance's nonce at that time.
        uid, gid: The user that owns the files in the volumes.
        profile: The profile of the last ``up``.
        components: The components that existed; empty if the instance was down.
        images: Image → its version, of all images of the stack.
        held: Seconds for which writes were held; 0.0 if nothing ran.
        volumes: The data volumes.
    """

    name: str
    instance: str
    created: float
    nexusdev: str
    runtime: str
    nonce: str
    uid: int
    gid: int
    held: float
    images: Mapping[str, str]
    volumes: Mapping[str, SavedVolume]
    profile: str = ""
    components: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION


class DataSnapshot(Struct, frozen=True, kw_only=True):
    """A snapshot in the store. ``size``: bytes of all its files."""

    name: str
    folder: Path
    manifest: SnapshotManifest
    size: int


class SnapshotStore(Struct, frozen=True, kw_only=True):
    """The snapshots of one instance. ``root``: the folder of the state of all instances."""

    root: Path
    instance: str

    @property
    def home(self) -> Path:
        return self.root / "snapshots" / self.instance

    def names(self) -> tuple[str, ...]:
        """Return the names of all snapshots."""
        if not self.home.is_dir():
            return ()
        return tuple(sorted(each.name for each in self.home.iterdir() if not each.name.startswith(".")))

    def find(self, name: str) -> DataSnapshot:
        """Return a snapshot.

        Raises:
            NotFound: There is none of this name.
            InvalidState: It cannot be used: SNAPSHOT_DAMAGED, or SNAPSHOT_VERSION for one of a newer version.
        """
        if name not in self.names():
            near = nearest(name, self.names())
            raise NotFound(
                f"instance {self.instance} has no snapshot {name}",
                why=f"did you mean {near[0]}?" if near else f"it has {', '.join(self.names()) or 'none'}",
                hint="nexusdev snapshot list",
            )
        folder = self.home / name
        return DataSnapshot(name=name, folder=folder, manifest=read_manifest(folder), size=_size(folder))

    def all(self) -> tuple[tuple[DataSnapshot, ...], tuple[str, ...]]:
        """Return the snapshots, oldest first, and a sentence for each that cannot be used."""
        found, broken = [], []
        for name in self.names():
            try:
                found.append(self.find(name))
            except InvalidState as error:
                broken.append(f"snapshot {name}: {error.message}: {error.why}")
        return tuple(sorted(found, key=lambda each: each.manifest.created)), tuple(broken)

    def require_free(self, name: str) -> None:
        """Check a new name.

        Raises:
            UsageError: It is not a name, or it is taken.
        """
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a name for a snapshot",
                why="1 to 32 of a-z, 0-9 and -, starting and ending with a letter or digit",
                hint="nexusdev snapshot save before-migration",
            )
        if name in self.names():
            raise UsageError(
                f"there is already a snapshot {name}",
                why="a snapshot is never overwritten",
                hint=f"nexusdev snapshot rm {name}   remove it first",
                code="SNAPSHOT_EXISTS",
            )

    @contextlib.contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """Yield the folder of a snapshot that is written; it gets its name at the end of the block. A snapshot of that name is replaced.

        If the block fails, nothing is left. A kill leaves a folder that the next call removes.
        """
        partial = self.home / f".{name}{_PARTIAL}"
        make_folder(self.home)
        self.tidy()
        make_folder(partial / VOLUMES)
        try:
            yield partial
            for file in (*partial.rglob("*"), partial):
                _sync(file)
            self._commit(partial, name)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def _commit(self, partial: Path, name: str) -> None:
        target, old = self.home / name, self.home / f".{name}{_OLD}"
        if target.exists():
            target.rename(old)
        partial.rename(target)
        _sync(self.home)
        shutil.rmtree(old, ignore_errors=True)

    def tidy(self) -> tuple[str, ...]:
        """Remove what killed commands left, and put a snapshot back that was about to be replaced. Returns the names of unfinished snapshots."""
        if not self.home.is_dir():
            return ()
        left = []
        for each in self.home.glob(".*"):
            name = each.name.removeprefix(".").removesuffix(_PARTIAL).removesuffix(_OLD)
            if each.name.endswith(_OLD) and not (self.home / name).exists():
                each.rename(self.home / name)
                continue
            if each.name.endswith(_PARTIAL):
                left.append(name)
            shutil.rmtree(each, ignore_errors=True)
        return tuple(left)

    def remove(self, name: str) -> None:
        """Remove a snapshot: first its name, so that no half of it is ever seen."""
        doomed = self.home / f".{name}{_PARTIAL}"
        (self.home / name).rename(doomed)
        shutil.rmtree(doomed)
        with contextlib.suppress(OSError):
            self.home.rmdir()


class ArchiveWriter:
    """A stream that compresses to a file. Counts what it gets."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file = _create(file)
        self._compress = zlib.compressobj(
            level=1, wbits=31
        )  # gzip; a higher level takes three times as long for a tenth
        self.size = 0

    def write(self, data: bytes) -> int:
        with explained(self._path):
            self._file.write(self._compress.compress(data))
        self.size += len(data)
        return len(data)

    def close(self) -> SavedVolume:
        """Complete the file and return its sizes."""
        with explained(self._path):
            self._file.write(self._compress.flush())
            compressed = self._file.tell()
            self._file.close()
        return SavedVolume(size=self.size, compressed=compressed)


def open_archive(file: Path) -> IO[bytes]:
    """Open an archive for reading, uncompressed."""
    return gzip.open(file, "rb")  # type: ignore[return-value]  # a GzipFile reads like any binary file


def seal(folder: Path, manifest: SnapshotManifest) -> None:
    """Write the manifest and the checksums: the snapshot is complete."""
    replace(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    sums = {name: _digest(folder / name) for name in _files(folder)}
    replace(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))


def verify(folder: Path) -> None:
    """Read every file of a snapshot and compare its checksum.

    Raises:
        InvalidState: A file is missing, or its content is not what was saved (SNAPSHOT_DAMAGED).
    """
    wanted = _sums(folder)
    present = _files(folder)
    if missing := sorted(set(wanted) - set(present)):
        raise _damaged(folder, f"{missing[0]} is missing")
    for name in present:
        if name not in wanted:
            raise _damaged(folder, f"{name} has no checksum in {SUMS}")
        if _digest(folder / name) != wanted[name]:
            raise _damaged(folder, f"the checksum of {name} differs from the one in {SUMS}")


def read_manifest(folder: Path) -> SnapshotManifest:
    """Return the manifest of a snapshot. Raises InvalidState if it cannot be used."""
    try:
        document: Any = json.loads((folder / MANIFEST).read_bytes())
        version = document["schema_version"]
        if version == SCHEMA_VERSION:
            return msgspec.convert(document, SnapshotManifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"{MANIFEST} cannot be read: {error}") from error
    raise InvalidState(
        f"snapshot {folder.name} was saved by another version of nexusdev ({document.get('nexusdev', 'unknown')})",
        why=f"it has schema version {version}; this version reads {SCHEMA_VERSION}",
        hint="pipx upgrade nexusdev   (or use the version that saved it)",
        code="SNAPSHOT_VERSION",
    )


def pack_state(state: Path, file: Path) -> None:
    """Save what belongs to the data out of a state folder."""
    with (
        explained(file),
        _create(file) as target,
        tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive,
    ):
        for name in (*STATE_FOLDERS, *_STATE_FILES):
            if (state / name).exists():
                archive.add(state / name, arcname=name, filter=_wanted)


def unpack_state(file: Path, target: Path, *, saved_as: int, owner: tuple[int, int]) -> None:
    """Extract a saved state into an empty folder.

    Args:
        file: The archive.
        target: The folder.
        saved_as: The user of the containers when it was saved; files of this user are those that containers read.
        owner: uid and gid of the containers now. Only root can give files to them.
    """
    with explained(target), tarfile.open(file, mode="r:gz") as archive:
        archive.extractall(target, filter="data")
        for entry in archive.getmembers() if os.geteuid() == 0 else ():
            if entry.uid == saved_as:
                os.chown(target / entry.name, *owner, follow_symlinks=False)


def export(snapshot: DataSnapshot, file: Path) -> int:
    """Write a snapshot as one tar file. Returns its size in bytes.

    Raises:
        UsageError: The file exists.
        StorageFailed: It cannot be written.
    """
    if file.exists():
        raise UsageError(f"{file} exists", why="a file is never overwritten", hint=f"rm {file}")
    partial = file.with_name(f".{file.name}{_PARTIAL}")
    with explained(file, snapshot.size):
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                with tarfile.open(fileobj=target, mode="w") as archive:
                    for name in (MANIFEST, SUMS, *sorted(set(_files(snapshot.folder)) - {MANIFEST})):
                        archive.add(snapshot.folder / name, arcname=f"{snapshot.name}/{name}")
                target.flush()
                os.fsync(target.fileno())
            partial.rename(file)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return file.stat().st_size


def import_file(store: SnapshotStore, file: Path) -> DataSnapshot:
    """Put an exported snapshot into the store, under its own name. One that is there already is not copied again.

    Raises:
        NotFound: There is no such file.
        InvalidState: It is no exported snapshot, or it is damaged.
        UsageError: Another snapshot has its name.
        PreflightFailed: There is not enough room.
    """
    if not file.is_file():
        raise NotFound(f"there is no file {file}", hint="nexusdev snapshot list   the snapshots that need no file")
    require_room(store.root, file.stat().st_size, f"a copy of {file}")
    try:
        with tarfile.open(file, mode="r:") as archive:
            first = archive.next()
            name = first.name.partition("/")[0] if first and first.name.endswith(f"/{MANIFEST}") else ""
            if not NAME.fullmatch(name):
                raise _no_snapshot(file, "its first entry is not the manifest of a snapshot")
            told = archive.extractfile(first) if first else None
            content = told.read() if told else b""
            if name in store.names():
                if (store.home / name / MANIFEST).read_bytes() == content:
                    return store.find(name)
                store.require_free(name)
            with store.new(name) as folder:
                _extract(archive, name, folder)
                verify(folder)
    except (tarfile.TarError, EOFError) as error:
        raise _no_snapshot(file, str(error)) from error
    return store.find(name)


def require_room(folder: Path, needed: int, what: str) -> None:
    """Raise PreflightFailed (DISK_FULL) if a file system has less room than needed.

    Args:
        folder: A folder on it, which need not exist yet.
        needed: In bytes.
        what: What needs it.
    """
    place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    if needed > free:
        raise PreflightFailed(
            f"there is no room for {what}",
            why=f"up to {si(needed)}B are needed in {folder}, and {si(free)}B are free",
            hint="nexusdev snapshot list   sizes of the snapshots; nexusdev snapshot rm removes one",
            code="DISK_FULL",
        )


def _extract(archive: tarfile.TarFile, name: str, folder: Path) -> None:
    for entry in archive.getmembers():
        inner = entry.name.removeprefix(f"{name}/")
        if not entry.isfile() or not _MEMBER.fullmatch(inner):
            raise InvalidState(f"{entry.name} does not belong into a snapshot", code="SNAPSHOT_DAMAGED")
        source = archive.extractfile(entry)
        with explained(folder / inner, entry.size), _create(folder / inner) as target:
            if source:
                shutil.copyfileobj(source, target, _CHUNK)


def _create(file: Path) -> IO[bytes]:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out locks and temporary files, and the names of users, which belong to the machine."""
    name = entry.name.rsplit("/", 1)[-1]
    if name in _LEFT_OUT or name.endswith(".tmp") or not (entry.isfile() or entry.isdir()):
        return None
    entry.uname = entry.gname = ""
    return entry


def _files(folder: Path) -> list[str]:
    """Return all files but the checksums, as relative paths."""
    found = (each for each in folder.rglob("*") if each.is_file() and each.name != SUMS)
    return sorted(each.relative_to(folder).as_posix() for each in found)


def _sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(folder, f"{SUMS} cannot be read: {error}") from error
    matched = [_LINE.fullmatch(line) for line in lines]
    if not all(matched):
        raise _damaged(folder, f"{SUMS} is not a list of checksums")
    return {each[2]: each[1] for each in matched if each}


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(folder: Path, why: str) -> InvalidState:
    return InvalidState(
        f"snapshot {folder.name.removeprefix('.').removesuffix(_PARTIAL)} is damaged",
        why=why,
        hint="nexusdev snapshot list   choose another one",
        code="SNAPSHOT_DAMAGED",
    )


def _no_snapshot(file: Path, why: str) -> InvalidState:
    return InvalidState(
        f"{file} is not an exported snapshot",
        why=why,
        hint="nexusdev snapshot export NAME FILE   write one, where the snapshot is",
        code="SNAPSHOT_DAMAGED",
    )
