"""The location of a project folder, and whether a missing one was removed or is only unreachable now.

A folder on an unmounted disk looks like a removed folder. So the file system of a project is recorded while the folder exists, and a
missing folder counts as gone only if that file system is visible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from stat import S_ISDIR

from msgspec import Struct

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_ABSENT = (FileNotFoundError, NotADirectoryError)


class Place(Struct, frozen=True, kw_only=True):
    """The location of a folder on this machine; empty for a folder that was not inspected.

    Attributes:
        mount: Mount point of its file system.
        filesystem: Identity of that file system: the kernel's id of it, else its device.
        inode: Inode number of the folder; a move within the file system keeps it.
    """

    mount: str = ""
    filesystem: str = ""
    inode: int = 0


class Presence(StrEnum):
    """Whether a folder exists.

    Attributes:
        HERE: It exists.
        GONE: It was removed or renamed: its parent exists, on the recorded file system.
        ELSEWHERE: Its parent is missing too, but the file system is the recorded one: most often a parent was renamed.
        UNKNOWN: It is not visible from here, which does not say whether it exists.
    """

    HERE = "here"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


class Sight(Struct, frozen=True, kw_only=True):
    """The presence of a folder. ``why`` completes "the folder …"."""

    presence: Presence
    why: str = ""

    @property
    def vanished(self) -> bool:
        """Whether the folder is certainly no longer at this path."""
        return self.presence in (Presence.GONE, Presence.ELSEWHERE)


def place_of(folder: Path, mounts: Path = MOUNTS) -> Place:
    """Return the place of an existing folder. Raises OSError.

    Args:
        folder: A real path, as from ``Path.resolve``.
        mounts: The kernel's table of mounts; without one, mount points are detected by their device.
    """
    found = folder.stat()
    identity = os.statvfs(folder).f_fsid
    device = f"{os.major(found.st_dev)}:{os.minor(found.st_dev)}"
    return Place(
        mount=_mount_point(folder, mounts), filesystem=f"{identity:x}" if identity else device, inode=found.st_ino
    )


def look_for(folder: Path, remembered: Place, mounts: Path = MOUNTS) -> Sight:
    """Check whether a folder exists, was removed, or is not visible.

    Args:
        folder: Path of the folder when its place was recorded.
        remembered: Its recorded place; an empty one makes every missing folder UNKNOWN.
        mounts: As for ``place_of``.
    """
    try:
        if S_ISDIR(folder.stat().st_mode):
            return Sight(presence=Presence.HERE, why="exists")
    except _ABSENT:
        if folder.is_symlink():
            return _unknown(f"is a link to {folder.readlink()}, which does not exist")
    except OSError as error:
        return _unknown(f"cannot be accessed: {error.strerror or error}")
    try:
        return _missing(folder, remembered, mounts)
    except OSError as error:
        return _unknown(f"cannot be accessed: {error.strerror or error}")


def is_missing(folder: Path) -> bool:
    """Return whether nothing is visible at this path. False for an existing path, and for one that cannot be inspected."""
    try:
        return not S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        return isinstance(error, _ABSENT)


def is_same(folder: Path, remembered: Place) -> bool:
    """Return whether a folder is the recorded one under any path: a move keeps file system and inode, a copy does not."""
    try:
        now = place_of(folder)
    except OSError:
        return False
    return bool(remembered.inode) and (now.filesystem, now.inode) == (remembered.filesystem, remembered.inode)


def _missing(folder: Path, remembered: Place, mounts: Path) -> Sight:
    ancestor = next(each for each in folder.parents if _is_folder(each))
    if not remembered.mount:
        return _unknown("is missing, and its file system is unknown")
    if not os.access(ancestor, os.R_OK | os.X_OK):
        return _unknown(f"cannot be accessed: {ancestor} is not readable")
    now = place_of(ancestor.resolve(), mounts)
    if now.mount != remembered.mount:
        return _unknown(f"was on the file system at {remembered.mount}, which is not mounted now")
    if now.filesystem != remembered.filesystem:
        return _unknown(f"was on a different file system than the one now mounted at {remembered.mount}")
    if ancestor == folder.parent:
        return Sight(presence=Presence.GONE, why="is gone")
    return Sight(presence=Presence.ELSEWHERE, why=f"is gone, and so is {folder.parent}")


def _unknown(why: str) -> Sight:
    return Sight(presence=Presence.UNKNOWN, why=why)


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder. Raises OSError for a path that cannot be inspected."""
    try:
        return S_ISDIR(path.stat().st_mode)
    except _ABSENT:
        return False


def _mount_point(folder: Path, mounts: Path) -> str:
    """Return the innermost mount point above a folder, or the folder itself."""
    known = set(_mounted(mounts))
    above = (folder, *folder.parents)
    is_mount = known.__contains__ if known else os.path.ismount
    return next((str(each) for each in above if is_mount(str(each))), folder.anchor)


def _mounted(mounts: Path) -> Iterator[str]:
    """Yield all mount points, including bind mounts, which have their parent's device."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        yield _ESCAPED.sub(lambda match: chr(int(match[1], 8)), line.split()[4])
