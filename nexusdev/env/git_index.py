"""Reads from a git index which files a repository tracks, for machines without a working git.

Format: https://git-scm.com/docs/index-format (versions 2, 3 and 4; a split index is the index and its shared files together).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = 12
_STAT_BYTES = 40
_FLAG_BYTES = 2
_EXTENDED = 0x4000
_COMPRESSED = 4
_VERSIONS = (2, 3, 4)


def tracked(folder: Path, common: Path) -> frozenset[bytes]:
    """Return every path in the index, relative to the work tree.

    Args:
        folder: The repository's own git folder, which has the index.
        common: The git folder that its worktrees share, which has the configuration.

    Raises:
        OSError: A file cannot be read, or the git folder does not exist.
        ValueError: The index is damaged or of an unknown version.
    """
    (folder / "HEAD").stat()  # without HEAD this is not a repository, and a missing index proves nothing
    if not (folder / "index").exists():
        return frozenset()
    hash_bytes = 32 if b"sha256" in (common / "config").read_bytes().lower() else 20
    files = (folder / "index", *folder.glob("sharedindex.*"))
    return frozenset(name for file in files for name in paths(file.read_bytes(), hash_bytes=hash_bytes))


def paths(index: bytes, *, hash_bytes: int = 20) -> Iterator[bytes]:
    """Yield the paths of one index file, in its order.

    Args:
        index: Content of the file.
        hash_bytes: Length of an object id, in bytes.

    Raises:
        ValueError: The content is not an index.
    """
    try:
        signature, version, count = struct.unpack_from(">4sLL", index)
        if signature != b"DIRC" or version not in _VERSIONS:
            raise ValueError(f"the index has the unknown version {version}")
        position, before = _HEADER, b""
        for _ in range(count):
            before, position = _entry(index, position, before, version, hash_bytes)
            yield before
    except (struct.error, IndexError) as error:
        raise ValueError("the index is damaged") from error


def _entry(index: bytes, begin: int, before: bytes, version: int, hash_bytes: int) -> tuple[bytes, int]:
    """Return one path, and the offset of the next entry. Raises ValueError if the path has no end."""
    at = begin + _STAT_BYTES + hash_bytes
    (flags,) = struct.unpack_from(">H", index, at)
    at += _FLAG_BYTES * (2 if flags & _EXTENDED else 1)
    if version == _COMPRESSED:
        drop, at = _offset(index, at)
        end = index.index(b"\0", at)
        return before[: len(before) - drop] + index[at:end], end + 1
    end = index.index(b"\0", at)
    return index[at:end], begin + (end - begin + 8) // 8 * 8  # padded by 1 to 8 zero bytes


def _offset(index: bytes, at: int) -> tuple[int, int]:
    """Return a variable-width number, as in an ofs-delta of a pack, and its end."""
    value = index[at] & 0x7F
    while index[at] & 0x80:
        at += 1
        value = (value + 1 << 7) | (index[at] & 0x7F)
    return value, at + 1
