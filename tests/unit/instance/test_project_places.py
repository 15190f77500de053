"""A missing folder is gone only where the file system that it was on can be seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.instance.project_places import Place, Presence, is_missing, is_same, look_for, place_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    return folder


def table(folder: Path, *points: Path | str) -> Path:
    """A table of mounts, as the kernel writes it."""
    file = folder / "mountinfo"
    written = [str(point).replace(" ", "\\040") for point in ("/", *points)]
    file.write_text("".join(f"36 35 98:0 / {point} rw - ext4 /dev/sda1 rw\n" for point in written))
    return file


def test_an_existing_folder_is_present(project: Path) -> None:
    assert look_for(project, Place()).presence is Presence.HERE
    assert look_for(project, replace(place_of(project), mount="/mnt/other")).presence is Presence.HERE


def test_a_removed_folder_is_gone(project: Path) -> None:
    place = place_of(project)
    project.rmdir()
    assert look_for(project, place).presence is Presence.GONE


def test_a_file_at_the_path_is_no_project(project: Path) -> None:
    place = place_of(project)
    project.rmdir()
    project.write_text("")
    assert look_for(project, place).presence is Presence.GONE


def test_a_folder_without_a_parent_is_elsewhere(project: Path) -> None:
    place = place_of(project)
    project.parent.rename(project.parent.with_name("renamed"))
    state = look_for(project, place)
    assert (state.presence, state.vanished) == (Presence.ELSEWHERE, True)


def test_a_missing_folder_without_a_recorded_place_is_unknown(project: Path) -> None:
    project.rmdir()
    state = look_for(project, Place())
    assert (state.presence, state.vanished) == (Presence.UNKNOWN, False)


def test_folders_of_an_unmounted_file_system_are_unknown(project: Path, tmp_path: Path) -> None:
    mounted = table(tmp_path, project.parent)
    place = place_of(project, mounted)
    assert place.mount == str(project.parent)
    project.rmdir()
    assert look_for(project, place, mounted).presence is Presence.GONE
    state = look_for(project, place, table(tmp_path))
    assert state.presence is Presence.UNKNOWN
    assert f"{project.parent}, which is not mounted" in state.why


def test_a_bind_mount_is_recognized_despite_its_device(project: Path, tmp_path: Path) -> None:
    place = place_of(project, table(tmp_path, project))
    project.rmdir()
    assert look_for(project, place, table(tmp_path)).presence is Presence.UNKNOWN


def test_another_disk_at_the_mount_point_means_unknown(project: Path) -> None:
    place = replace(place_of(project), filesystem="1234")
    project.rmdir()
    assert look_for(project, place).presence is Presence.UNKNOWN


def test_a_broken_link_may_lead_to_an_unmounted_disk(project: Path) -> None:
    place = place_of(project)
    project.rmdir()
    project.symlink_to("/mnt/usb/shop")
    assert look_for(project, place).presence is Presence.UNKNOWN


@pytest.mark.skipif(os.getuid() == 0, reason="root may look everywhere")
def test_an_inaccessible_folder_is_unknown(project: Path) -> None:
    place = place_of(project)
    project.parent.chmod(0)
    try:
        assert look_for(project, place).presence is Presence.UNKNOWN
        assert not is_missing(project)
    finally:
        project.parent.chmod(0o700)


def test_an_unresolvable_name_is_unknown(tmp_path: Path) -> None:
    impossible = tmp_path / ("x" * 300)
    assert look_for(impossible, place_of(tmp_path)).presence is Presence.UNKNOWN
    assert not is_missing(impossible)


def test_a_mount_point_with_a_space_is_parsed(tmp_path: Path) -> None:
    folder = tmp_path / "my disk" / "shop"
    folder.mkdir(parents=True)
    assert place_of(folder, table(tmp_path, folder.parent)).mount == str(folder.parent)


def test_devices_are_compared_without_a_mount_table(project: Path, tmp_path: Path) -> None:
    place = place_of(project, tmp_path / "none")
    assert os.path.ismount(place.mount)


def test_a_moved_folder_keeps_its_identity_and_a_copy_does_not(project: Path) -> None:
    place = place_of(project)
    moved = project.rename(project.with_name("store"))
    copied = project.with_name("copy")
    copied.mkdir()
    assert is_same(moved, place)
    assert not is_same(copied, place)
    assert not is_same(project, place)
    assert not is_same(moved, Place())
