"""Tags: the same content has the same one, and a change reaches whatever is built on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.images.lockfile import load
from nexusdev.images.tags import tags
from tests.unit.images.workbench import CHILD, LOCK, write_lock


def test_two_checkouts_agree(tmp_path: Path) -> None:
    one, two = (tags(load(write_lock(tmp_path / name))) for name in ("one", "two"))
    assert one == two
    assert one["cache"].startswith("nexusdev/cache:8-")


def test_a_changed_file_changes_only_its_image(tmp_path: Path) -> None:
    before = tags(load(write_lock(tmp_path)))
    (tmp_path / "store" / "go.mod").write_text("module other\n")
    after = tags(load(tmp_path / "images.lock.yaml"))
    assert {name for name in after if after[name] != before[name]} == {"store"}


def test_a_changed_file_in_a_subfolder_changes_the_image(tmp_path: Path) -> None:
    file = write_lock(tmp_path)
    (tmp_path / "store" / "part").mkdir()
    (tmp_path / "store" / "part" / "go.mod").write_text("module part\n")
    before = tags(load(file))
    (tmp_path / "store" / "part" / "go.mod").write_text("module other\n")
    after = tags(load(file))
    assert {name for name in after if after[name] != before[name]} == {"store"}


def test_a_new_base_version_changes_its_dependents(tmp_path: Path) -> None:
    before = tags(load(write_lock(tmp_path)))
    after = tags(load(write_lock(tmp_path, LOCK.replace('version: "13"', 'version: "14"'))))
    assert {name for name in after if after[name] != before[name]} == {"base", "builder", "cache", "store"}


def test_circular_image_builds_are_refused(tmp_path: Path) -> None:
    file = write_lock(tmp_path)
    (tmp_path / "cache" / "Dockerfile").write_text((CHILD % "x").replace("nexusdev/base", "nexusdev/cache"))
    with pytest.raises(InvalidConfig, match="in a cycle: cache → cache"):
        tags(load(file))
