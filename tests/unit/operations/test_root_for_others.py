"""Root in the home of a user (``sudo -E``) makes and changes files that the user can still read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexusdev.deploy.publisher import write_env_file
from nexusdev.instance.state import container_user
from nexusdev.instance.state_elsewhere import sudo_note
from nexusdev.operations.secrets import rotate
from nexusdev.operations.up import up
from nexusdev.util import lock
from tests.fakes import House

USER = 12345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@pytest.fixture
def house_of_user(house: House) -> House:
    """A house whose project and state folder belong to a user."""
    for folder in (house.project, house.folder / "state"):
        os.chown(folder, USER, USER)
    return house


def owners(folder: Path) -> set[int]:
    return {each.stat().st_uid for each in (folder, *folder.rglob("*"))}


def test_files_created_by_root_in_a_home_belong_to_its_user(house_of_user: House) -> None:
    up(house_of_user.context())
    assert owners(house_of_user.folder / "state") == {USER}
    assert owners(house_of_user.project) == {USER}
    instance = house_of_user.context().instance()
    assert (instance.uid, instance.gid) == (USER, USER)


def test_files_changed_by_root_stay_owned_by_the_user(house_of_user: House) -> None:
    up(house_of_user.context())
    rotate(house_of_user.context())
    write_env_file(house_of_user.context(), "# Written by nexusdev for instance shop; x\nA=b\n")
    assert owners(house_of_user.folder / "state") == {USER}
    assert owners(house_of_user.project) == {USER}


def test_a_lock_taken_by_root_can_be_taken_by_the_user(tmp_path: Path) -> None:
    os.chown(tmp_path, USER, USER)
    with lock.hold(tmp_path / "locks" / "a.lock", subject="a", command="b"):
        assert owners(tmp_path) == {USER}


def test_root_in_its_own_home_keeps_its_own_container_user(tmp_path: Path) -> None:
    assert container_user(tmp_path / "state") == (10001, 10001)
    os.chown(tmp_path, USER, USER)
    assert container_user(tmp_path / "state") == (USER, USER)
    assert container_user(tmp_path / "state", rootless=True) == (0, 0)


def test_sudo_with_a_state_of_root_is_reported(tmp_path: Path) -> None:
    assert f"user {USER}" in sudo_note(tmp_path, {"SUDO_UID": str(USER)})
    assert str(tmp_path) in sudo_note(tmp_path, {"SUDO_UID": str(USER)})
    assert sudo_note(tmp_path, {}) == sudo_note(tmp_path, {"SUDO_UID": "0"}) == ""
    os.chown(tmp_path, USER, USER)
    assert sudo_note(tmp_path, {"SUDO_UID": str(USER)}) == ""
