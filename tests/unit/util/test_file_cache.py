"""What was read is kept: given back while its files stay as they are, and never otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from nexusdev.util.file_cache import FileCache


class Reading(Struct, frozen=True):
    """Something that was read from files."""

    words: tuple[str, ...]
    place: Path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.yaml"
    file.write_text("a: 1\n")
    return file


def kept(folder: Path, key: str = "key") -> FileCache[Reading]:
    return FileCache(folder / "reading.kept", Reading, key=key)


def test_a_value_round_trips(tmp_path: Path, source: Path) -> None:
    value = Reading(words=("a", "b"), place=source)
    kept(tmp_path).store(value, made_of=[source])
    assert kept(tmp_path).cached() == value
    assert (tmp_path / "reading.kept").stat().st_mode & 0o777 == 0o600


def test_the_cache_starts_empty(tmp_path: Path) -> None:
    assert kept(tmp_path).cached() is None


def test_a_changed_file_invalidates_the_value(tmp_path: Path, source: Path) -> None:
    kept(tmp_path).store(Reading(words=(), place=source), made_of=[source])
    source.write_text("a: 22\n")
    assert kept(tmp_path).cached() is None


def test_a_removed_file_invalidates_the_value(tmp_path: Path, source: Path) -> None:
    kept(tmp_path).store(Reading(words=(), place=source), made_of=[source])
    source.unlink()
    assert kept(tmp_path).cached() is None


def test_a_value_belongs_to_its_key(tmp_path: Path, source: Path) -> None:
    kept(tmp_path, "one instance").store(Reading(words=(), place=source), made_of=[source])
    assert kept(tmp_path, "another instance").cached() is None


@pytest.mark.parametrize("content", [b"", b"\x00", b"{}", b"half a file", b"\x81\xa3key\xa1\xff"])
def test_undecodable_content_is_a_miss(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reading.kept").write_bytes(content)
    assert kept(tmp_path).cached() is None


def test_a_value_of_another_shape_is_a_miss(tmp_path: Path, source: Path) -> None:
    other: FileCache[dict[str, int]] = FileCache(tmp_path / "reading.kept", dict[str, int], key="key")
    other.store({"words": 1}, made_of=[source])
    assert kept(tmp_path).cached() is None


def test_a_missing_folder_is_not_created(tmp_path: Path, source: Path) -> None:
    kept(tmp_path / "none").store(Reading(words=(), place=source), made_of=[source])
    assert not (tmp_path / "none").exists()
