"""Writes files so that neither a crash nor a full disk leaves half of one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from nexusdev.errors import InvalidState

NEXT = ".next"


def replace(path: Path, content: str | bytes, *, mode: int = 0o600, temporary: Path | None = None) -> None:
    """Put a whole new file in the place of ``path`` (a new inode). At any moment the name shows the old or the new content.

    Args:
        path: The file.
        content: All of it.
        mode: Its permissions.
        temporary: Another name in the same folder for the file while it is written; a kill leaves it there.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_new(temporary, data, mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_in_place(path: Path, data: bytes, *, set_owner: Callable[[Path], None]) -> None:
    """Change the content of ``path`` and keep its inode, because containers have it mounted. Survives a kill at any point.

    The new content is first complete in ``<path>.next``; whoever finds that file later finishes the work with ``finish_write``.
    ``set_owner`` sets mode and owner of a new file.
    """
    if not path.exists():
        replace(path, data)
        set_owner(path)
        return
    replace(path.with_name(path.name + NEXT), data)
    finish_write(path)


def finish_write(path: Path) -> bool:
    """Finish an interrupted ``write_in_place``; tells whether there was one."""
    following = path.with_name(path.name + NEXT)
    try:
        data = following.read_bytes()
    except FileNotFoundError:
        return False
    _write_over(path, data)
    following.unlink()
    return True


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


def make_folder(path: Path) -> None:
    """A folder of mode 0700, and its parents below the state root likewise."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise InvalidState(
            f"failed to create the state folder {path}",
            why=error.strerror or str(error),
            hint="NEXUSDEV_STATE_DIR=/a/folder/of/yours nexusdev up",
        ) from error
