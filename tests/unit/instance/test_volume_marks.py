"""The marks of data volumes: kept, never doubled, and harmless when they cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.instance import volume_marks


def test_a_volume_keeps_the_time_it_was_first_seen(tmp_path: Path) -> None:
    volume_marks.add(tmp_path, ["redis-0"], now=lambda: 10.0)
    volume_marks.add(tmp_path, ["redis-0", "redis-1"], now=lambda: 20.0)
    assert volume_marks.read(tmp_path) == {"redis-0": 10.0, "redis-1": 20.0}


def test_known_volumes_cause_no_write(tmp_path: Path) -> None:
    volume_marks.add(tmp_path, ["redis-0"], now=lambda: 10.0)
    before = (tmp_path / "volumes.json").stat()  # reading changes its access time alone
    volume_marks.add(tmp_path, ["redis-0"], now=lambda: 20.0)
    volume_marks.strike(tmp_path, ["redis-7"])
    after = (tmp_path / "volumes.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_removed_mark_is_forgotten(tmp_path: Path) -> None:
    volume_marks.add(tmp_path, ["redis-0", "redis-1"], now=lambda: 10.0)
    volume_marks.strike(tmp_path, ["redis-0"])
    assert volume_marks.read(tmp_path) == {"redis-1": 10.0}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"seen": 3}', b'{"seen": {"a": "soon"}}', b"{}", b'{"seen": {"\xff": 1}}']
)
def test_an_unreadable_file_has_no_marks(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "volumes.json").write_bytes(content)
    assert volume_marks.read(tmp_path) == {}
