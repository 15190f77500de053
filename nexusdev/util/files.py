"""Writes files so that neither a crash nor a full disk leaves half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote

from nexusdev.errors import InvalidState, StorageFailed
from nexusdev.util.humanize import si

NEXT = ".next"
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Errors of the file system, never of this program.
STORAGE_ERRORS = (*_FULL, errno.EROFS)


def replace(path: Path, content: str | bytes, *, mode: int = 0o600, temporary: Path | None = None) -> None:
    """Put a whole new file in the place of ``path`` (a new inode). At any moment the name shows the old or the new content.

    Args:
        path: The file.
        content: All of it.
        mode: Its permissions.
        temporary: Another name in the same folder for the file while it is written; a kill leaves it there.

    Raises:
        StorageFailed: It cannot be written; the old file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with explained(path, len(data)):
        try:
            _write_new(temporary, data, mode)
            keep_owner(temporary, like=path)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def write_in_place(path: Path, data: bytes, *, set_owner: Callable[[Path], None]) -> None:
    """Replace the content of a file and keep its inode, because containers have it mounted. Survives a kill at any point.

    The new content is complete in ``<path>.next`` first. If that file is found later, ``finish_write`` completes the write.

    Args:
        path: The file.
        data: Its new content.
        set_owner: Sets mode and owner of a new file.

    Raises:
        StorageFailed: The content cannot be written now.
    """
    if not path.exists():
        replace(path, data)
        set_owner(path)
        return
    replace(path.with_name(path.name + NEXT), data)
    finish_write(path)


def finish_write(path: Path) -> bool:
    """Finish an interrupted ``write_in_place``. Return whether there was one."""
    following = path.with_name(path.name + NEXT)
    try:
        data = following.read_bytes()
    except FileNotFoundError:
        return False
    with explained(path, len(data)):
        _write_over(path, data)
        following.unlink()
    return True


@contextlib.contextmanager
def explained(path: Path, size: int = 0) -> Iterator[None]:
    """Turn an OSError of the block into a StorageFailed that says which file, how much of it, and what to do.

    Args:
        path: What is written.
        size: Bytes of its content; 0 if that does not matter.
    """
    try:
        yield
    except StorageFailed:
        raise
    except OSError as error:
        raise storage_failed(path, size, error) from error


def storage_failed(path: Path, size: int, error: OSError) -> StorageFailed:
    """The words for a file that could not be written; see ``explained``."""
    full = error.errno in _FULL
    reason = error.strerror or str(error)
    failed = StorageFailed(
        f"failed to write {path}: {reason[:1].lower()}{reason[1:]}",
        why=_room(path.parent, size, error) if full else "",
        hint=f"df -h {quote(str(path.parent))}   free some space on this file system, then repeat the command"
        if full
        else f"ls -ld {quote(str(path.parent))}   nexusdev must be able to write there",
        code="DISK_FULL" if full else "",
    )
    failed.errno, failed.strerror, failed.filename = error.errno, error.strerror, str(path)
    return failed


def _bytes(size: int) -> str:
    return f"{si(size)}B"


def _room(folder: Path, size: int, error: OSError) -> str:
    """What is needed and what is free, in words."""
    needed = f"{_bytes(size)} to write" if size else "no room for another file"
    if error.errno == errno.EDQUOT:
        return f"{needed}, and the disk quota of this user is used up"
    try:
        found = os.statvfs(folder)
    except OSError:
        return needed
    inodes = ", no inode free" if found.f_files and not found.f_favail else ""
    return f"{needed}, {_bytes(found.f_bavail * found.f_frsize)} free in {folder}{inodes}"


def keep_owner(path: Path, *, like: Path | None = None) -> None:
    """Give a file that root created the owner of the file that it replaces, or of its folder, so that users keep access to their home.

    Args:
        path: The new file or folder.
        like: The file that it will replace, if that exists.

    Raises:
        OSError: The owner cannot be changed.
    """
    if os.geteuid() != 0:
        return
    try:
        owner = (like or path).stat() if like and like.exists() else path.parent.stat()
    except FileNotFoundError:
        return
    if owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def remove_temp_files(folder: Path) -> None:
    """Remove what a killed ``replace`` left behind: never complete, never used."""
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _write_over(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        file.truncate(len(data))
        os.fsync(descriptor)


def make_folder(path: Path, *, mode: int = 0o700) -> None:
    """Make a folder, and its missing parents with mode 0700, whatever the umask.

    Args:
        path: The folder.
        mode: Its permissions.

    Raises:
        InvalidState: It cannot be made.
        StorageFailed: The disk is full (DISK_FULL).
    """
    try:
        for each in reversed([path, *path.parents]):
            if not each.exists():
                with contextlib.suppress(FileExistsError):  # another process creates it at the same time
                    each.mkdir(mode=0o700)
                    each.chmod(0o700)
                    keep_owner(each)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
    except OSError as error:
        if error.errno in _FULL:
            raise storage_failed(path, 0, error) from error
        raise InvalidState(
            f"failed to create the state folder {path}",
            why=error.strerror or str(error),
            hint="NEXUSDEV_STATE_DIR=/a/folder/of/yours nexusdev up",
        ) from error
