"""Caches what was read from files, until one of these files changes.

Reading the stack costs 50 ms, an eighth of ``status``: YAML, the strict schema, the code for both. What is kept can always be thrown away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct, msgpack

from nexusdev import __version__
from nexusdev.util import files

T = TypeVar("T")


class _CachedFile(Struct, frozen=True, kw_only=True):
    """``key``: what the value depends on besides files; ``stamps``: path → nanoseconds of its last change and bytes."""

    key: str
    stamps: Mapping[str, tuple[int, int]]
    value: Raw


class FileCache(Generic[T]):
    """Keeps one value in one file.

    Args:
        file: The file.
        kind: Type of the value: a Struct, or another type that msgspec decodes.
        key: What the value depends on besides files. A value with another key is not returned.
    """

    def __init__(self, file: Path, kind: type[T], *, key: str) -> None:
        self._file = file
        self._kind = kind
        self._key = f"{__version__} {key}"

    def get(self, read: Callable[[], T], *, made_of: Callable[[T], Iterable[Path]]) -> T:
        """The value: as it was kept, else as it is read now, and kept until one of the files that it is made of changes."""
        if (value := self.cached()) is None:
            value = read()
            self.store(value, made_of=made_of(value))
        return value

    def cached(self) -> T | None:
        """The value; None when there is none, when a file changed since, or when what is there cannot be understood."""
        try:
            record = msgpack.decode(self._file.read_bytes(), type=_CachedFile)
            if record.key != self._key or any(_stamp(path) != stamp for path, stamp in record.stamps.items()):
                return None
            return msgpack.decode(record.value, type=self._kind, dec_hook=_understood)
        except (OSError, ValueError):
            return None

    def store(self, value: T, *, made_of: Iterable[Path]) -> None:
        """Keep the value until one of these files changes. Without effect if the folder is missing or not writable."""
        with contextlib.suppress(OSError):
            record = _CachedFile(
                key=self._key,
                stamps={str(path): _stamp(path) for path in made_of},
                value=Raw(msgpack.encode(value, enc_hook=str)),
            )
            if self._file.parent.is_dir():
                files.replace(self._file, msgpack.encode(record))


def _stamp(path: str | Path) -> tuple[int, int]:
    found = Path(path).stat()
    return found.st_mtime_ns, found.st_size


def _understood(kind: type, written: Any) -> Any:
    """Encode a path as text; no other type is supported."""
    return kind(written)
