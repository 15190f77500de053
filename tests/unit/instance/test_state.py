"""Containers get copies of config files that anybody may read, whatever the files of the checkout are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev.instance.state import copy_configs


@pytest.fixture
def _private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_private_umask")
def test_the_copy_of_a_private_file_is_world_readable(tmp_path: Path) -> None:
    file = tmp_path / "etcd.sh"
    file.write_text("exec etcd")
    copy_configs(tmp_path / "shop", {"etcd-entrypoint": file})
    copy = tmp_path / "shop" / "configs" / "etcd-entrypoint"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.stat().st_mode) == 0o644
    assert copy.read_text() == "exec etcd"


def test_a_copy_is_only_rewritten_when_its_file_changes(tmp_path: Path) -> None:
    file, copy = tmp_path / "a", tmp_path / "shop" / "configs" / "a"
    file.write_text("first")
    copy_configs(tmp_path / "shop", {"a": file})
    first = copy.stat().st_ino
    copy_configs(tmp_path / "shop", {"a": file})
    assert copy.stat().st_ino == first
    file.write_text("second")
    copy_configs(tmp_path / "shop", {"a": file})
    assert (copy.read_text(), copy.stat().st_ino == first) == ("second", False)


def test_the_mode_of_a_copy_is_restored(tmp_path: Path) -> None:
    file, copy = tmp_path / "a", tmp_path / "shop" / "configs" / "a"
    file.write_text("first")
    copy_configs(tmp_path / "shop", {"a": file})
    copy.chmod(0o600)
    copy_configs(tmp_path / "shop", {"a": file})
    assert stat.S_IMODE(copy.stat().st_mode) == 0o644
