"""No unit test reaches the home of who runs it."""

from __future__ import annotations

import os
from pathlib import Path

from nexusdev.instance.paths import state_root
from nexusdev.operations.up import up
from tests.fakes import House


def files_below(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


def test_the_state_of_a_test_is_below_its_home(own_home: Path) -> None:
    assert state_root(os.environ) == own_home / ".local" / "state" / "nexusdev"
    assert Path.home() == own_home


def test_the_command_line_writes_to_the_home_of_the_test(tmp_path: Path, own_home: Path) -> None:
    house = House(folder=tmp_path)
    typed = house.type("up")
    assert typed.status == 0, typed.err
    assert own_home / ".local/state/nexusdev/instances/shop/instance.json" in files_below(own_home)


def test_a_fake_context_writes_only_to_its_own_folder(tmp_path: Path, own_home: Path) -> None:
    up(House(folder=tmp_path).context())
    assert files_below(own_home) == set()
