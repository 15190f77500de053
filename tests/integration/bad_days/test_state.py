"""The state folder lost, half-written or of another version; an env file in git; folders that may not be written."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.bad_days.engines import without_rights
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("content", ["", '{"schema_version": 1, "na', '{"schema_version": 999}', "[]"])
def test_an_unusable_state_file_is_named_with_a_hint(running: Project, content: str) -> None:
    (file,) = running.state.rglob("instance.json")
    kept = file.read_bytes()
    file.write_text(content)
    try:
        ran = running.run("up", SMALL)
    finally:
        file.write_bytes(kept)
    assert ran.code == 12, ran.err
    assert str(file) in ran.err
    assert "next" in ran.err
    assert ready(running), "nothing was touched"


def test_a_lost_password_is_reported_and_its_data_left_alone(running: Project) -> None:
    (file,) = running.state.rglob("secrets/redis-admin")
    kept = file.with_name("kept")
    file.rename(kept)
    try:
        ran = running.run("up", SMALL)
        assert not file.exists()
    finally:
        kept.rename(file)
    assert ran.code == 12, ran.err
    assert "redis-admin" in ran.err
    assert ready(running)


def test_a_lost_state_folder_is_reported_and_destroy_removes_its_data(running: Project) -> None:
    instance = engine.instance_of(running)
    volumes = engine.left_of(instance)["volumes"]
    (folder,) = (running.state / "instances").iterdir()
    shutil.rmtree(folder)
    ran = running.run("up", SMALL)
    assert ran.code == 12, ran.err
    assert f"the state of instance {instance} is missing, but its data still exists" in ran.err
    assert f"nexusdev -i {instance} destroy" in ran.err
    assert engine.left_of(instance)["volumes"] == volumes
    assert running.run("-i", instance, "destroy", "--yes").code == 0
    assert engine.left_of(instance) == {"containers": [], "networks": [], "volumes": []}


def test_a_tracked_env_file_is_refused_before_anything_starts(small: Project) -> None:
    file = small.folder / ".env.nexusdev"
    file.write_text("")
    git = ["git", "-C", str(small.folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-f", file.name], check=True)
    ran = small.run("up", SMALL)
    assert ran.code == 12, ran.err
    assert f"{file} is tracked by git" in ran.err
    assert f"git rm --cached {file.name}" in ran.err
    assert not any(small.state.rglob("instance.json"))


def test_a_read_only_project_folder_is_reported_before_anything_starts(small: Project) -> None:
    small.folder.chmod(0o555)
    try:
        ran = replace(small, before=without_rights()).run("up", SMALL)
    finally:
        small.folder.chmod(0o755)
    assert ran.code == 12, ran.err
    assert f"no permission to write to {small.folder}" in ran.err
    assert "--env-file" in ran.err
    assert not any(small.state.rglob("instance.json"))


def test_a_read_only_state_folder_is_reported_with_the_setting(small: Project, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    away = replace(small, state=tmp_path / "state", before=without_rights())
    try:
        ran = away.run("up", SMALL)
    finally:
        tmp_path.chmod(0o755)
    assert ran.code == 12, ran.err
    assert f"{tmp_path / 'state'}" in ran.err
    assert "Permission denied" in ran.err
    assert "NEXUSDEV_STATE_DIR" in ran.err
