"""The records of an instance's leases, in its state folder.

    leases/<name>/record.json     a lease; created before anything exists on a server, removed after the last thing is gone
    leases/<name>/…               files that the lease's variables name
    leases/.ready/<id>/           a lease that was made in advance and has no name yet
    leases/.locks/<id>            locked by the process that makes, holds or drops it

A folder gets its name by renaming it, which fails if the name is taken. So several processes need no common lock: of two that want a name, or a
lease that was made in advance, one gets it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from msgspec import DecodeError, Struct, ValidationError, json

from nexusdev.errors import InvalidState
from nexusdev.util import lock
from nexusdev.util.files import make_folder, replace

FOLDER = "leases"
SCHEMA_VERSION = 1
_Kind = TypeVar("_Kind")
_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_RECORD, _READY, _LOCKS, _NEW = "record.json", ".ready", ".locks", ".new-"


class LeaseRecord(Struct, frozen=True, kw_only=True):
    """The content of record.json.

    Attributes:
        id: Part of every name on the servers.
        seed: Random text from which the passwords derive.
        created: Time of creation, in seconds since the epoch.
        expires: Time from which the lease may be dropped, likewise.
        components: The components that have a part in it.
        ready: Whether all parts were made.
        template: Id of the lease whose content was copied; '' for none.
        held: Whether the process that made it uses it alone, and drops it at its end. Such a lease never becomes ready.
        facts: What the servers generated.
    """

    id: str
    seed: str
    created: float
    expires: float
    components: tuple[str, ...]
    ready: bool = False
    template: str = ""
    held: bool = False
    facts: Mapping[str, str] = {}
    schema_version: int = SCHEMA_VERSION


class _Header(Struct, frozen=True, kw_only=True):
    """The part of a record that all versions of nexusdev write."""

    id: str
    schema_version: int = SCHEMA_VERSION


class Lease(Struct, frozen=True, kw_only=True):
    """A record and its place.

    Attributes:
        name: The lease's name; '' if it was made in advance and has none yet.
        folder: Its folder.
    """

    name: str
    folder: Path
    record: LeaseRecord


class LeaseStore(Struct, frozen=True, kw_only=True):
    """The leases of one instance. ``folder`` is the state folder of the instance."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / FOLDER

    def named(self) -> list[Lease]:
        """Return the leases that have a name, by name. Broken records, and those of another version of nexusdev, are left out.

        Raises:
            InvalidState: A record or a folder cannot be read.
        """
        return list(self._read(self.home, named=True))

    def ready(self) -> list[Lease]:
        """Return the leases that were made in advance, the oldest first."""
        return sorted(self._read(self.home / _READY, named=False), key=lambda each: each.record.created)

    def all(self) -> list[Lease]:
        """Return every lease once: those with a name, then those that were made in advance.

        They are read in the order in which a lease moves, so that one that gets its name meanwhile is not missed.
        """
        ready = self.ready()
        named = self.named()
        moved = {each.record.id for each in named}
        return [*named, *(each for each in ready if each.record.id not in moved)]

    def current(self, lease_id: str) -> Lease | None:
        """Return the lease with this id as it is now; None if it is gone."""
        return next((each for each in self.all() if each.record.id == lease_id), None)

    def find(self, name: str) -> Lease | None:
        """Return the lease of this name; None if there is none with a valid record."""
        return next((each for each in self.named() if each.name == name), None)

    def foreign(self) -> dict[str, str]:
        """Return the leases that another version of nexusdev made: path below the home → id. They are in use, although they cannot be read here."""
        found = (*self._headers(self.home / _READY), *self._headers(self.home))
        return {f"{folder.relative_to(self.home)}": header.id for folder, header in found if _is_foreign(header)}

    def add(self, record: LeaseRecord, name: str = "") -> Lease | None:
        """Write a new record.

        Args:
            record: The record.
            name: The lease's name; '' for one that is made in advance.

        Returns:
            The lease; None if the name is taken.

        Raises:
            StorageFailed: The record cannot be written.
        """
        folder = self._place(name, record.id)
        new = self.home / f"{_NEW}{record.id}"
        make_folder(folder.parent)
        make_folder(new)
        replace(new / _RECORD, json.encode(record))
        if not _renamed(new, folder):
            shutil.rmtree(new)
            return None
        return Lease(name=name, folder=folder, record=record)

    def claim(self, lease: Lease, name: str) -> Lease | None:
        """Give a name to a lease that was made in advance. None if another process has claimed it, or the name is taken."""
        folder = self._place(name, lease.record.id)
        return Lease(name=name, folder=folder, record=lease.record) if _renamed(lease.folder, folder) else None

    def update(self, lease: Lease, record: LeaseRecord) -> Lease:
        """Replace the record of a lease."""
        replace(lease.folder / _RECORD, json.encode(record))
        return Lease(name=lease.name, folder=lease.folder, record=record)

    def remove(self, lease: Lease) -> None:
        """Remove the record and the lease's files. It need not exist; another lease of the same name stays."""
        record = _record(lease.folder / _RECORD)
        if record and record.id == lease.record.id:
            shutil.rmtree(lease.folder, ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove the folder of a lease whose record is broken. What the servers hold of it has no record then."""
        if (self.home / name).exists() and not self.find(name) and name not in self.foreign():
            shutil.rmtree(self.home / name, ignore_errors=True)

    def tidy(self) -> None:
        """Remove the folders without a valid record: of a process that was killed, or of a lease whose record is broken."""
        with_record = {each.name for each in self.named()}
        for folder in self.home.glob("[!.]*"):
            if folder.name not in with_record:
                self.forget(folder.name)
        for folder in self.home.glob(f"{_NEW}*"):
            if not self.is_worked_on(folder.name.removeprefix(_NEW)):
                shutil.rmtree(folder, ignore_errors=True)

    def is_taken(self, name: str) -> bool:
        """Whether a lease has this name, even one whose record is broken."""
        return (self.home / name).exists()

    def working_on(self, lease_id: str, command: str, *, seconds: float = 0.0) -> AbstractContextManager[lock.Held]:
        """Hold the lock of a lease while it is made, held or dropped.

        Args:
            lease_id: The id of the lease.
            command: This command, as it is typed.
            seconds: How long to wait for another process.

        Raises:
            Locked: Another process makes or drops it.
        """
        return lock.hold(
            self.home / _LOCKS / lease_id,
            subject=f"lease {lease_id}",
            command=command,
            patience=lock.Patience(seconds=seconds),
        )

    def worker(self, lease_id: str) -> lock.Holder | None:
        """Return the process that makes, holds or drops this lease now; None for none."""
        return next(iter(lock.holders(self.home / _LOCKS / lease_id)), None)

    def is_worked_on(self, lease_id: str) -> bool:
        """Whether a process makes, holds or drops this lease now."""
        return self.worker(lease_id) is not None

    def _place(self, name: str, lease_id: str) -> Path:
        return self.home / name if name else self.home / _READY / lease_id

    def _read(self, parent: Path, *, named: bool) -> Iterator[Lease]:
        for folder in _folders(parent):
            if record := _record(folder / _RECORD):
                yield Lease(name=folder.name if named else "", folder=folder, record=record)

    def _headers(self, parent: Path) -> Iterator[tuple[Path, _Header]]:
        for folder in _folders(parent):
            if header := _decoded(_content(folder / _RECORD), _Header):
                yield folder, header


def new_id() -> str:
    """Return a new id: 10 characters of [a-z0-9], the first one a letter."""
    import secrets

    rest = (secrets.choice(_LETTERS + _DIGITS) for _ in range(9))
    return secrets.choice(_LETTERS) + "".join(rest)


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(each for each in parent.iterdir() if not each.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(parent, error) from error


def _record(file: Path) -> LeaseRecord | None:
    """Return the record in a file; None if there is none, it is broken, or another version wrote it."""
    content = _content(file)
    header = _decoded(content, _Header)
    return _decoded(content, LeaseRecord) if header and not _is_foreign(header) else None


def _is_foreign(header: _Header) -> bool:
    return header.schema_version != SCHEMA_VERSION


def _decoded(content: bytes, kind: type[_Kind]) -> _Kind | None:
    try:
        return json.decode(content, type=kind)
    except (DecodeError, ValidationError):
        return None


def _content(file: Path) -> bytes:
    """Return the content of a record; nothing if there is no such file.

    Raises:
        InvalidState: It cannot be read. Then it is unknown whether the lease is in use, so that nothing may be removed.
    """
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidState:
    return InvalidState(
        f"failed to read the leases: {path}",
        why=error.strerror or str(error),
        hint=f"ls -ld {path}   nexusdev must be able to read it, then repeat the command",
    )


def _renamed(old: Path, new: Path) -> bool:
    """Rename a folder that is not empty. False if the new name is taken, or the old one is gone."""
    try:
        os.rename(old, new)  # noqa: PTH104 - Path.rename documents no such failure
    except OSError as error:
        if isinstance(error, FileNotFoundError) or new.exists():
            return False
        raise
    return True
