"""The wheel carries all that it needs: installed by pipx or uv, it works from any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration import client_venv

pytestmark = pytest.mark.integration


INSTALLERS = {
    "pipx": ("pipx", "install", "--python", sys.executable),
    "uv": ("uv", "tool", "install", "--python", sys.executable),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return client_venv.own_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", params=INSTALLERS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who installed the wheel."""
    folder = tmp_path_factory.mktemp(request.param)
    environment = {
        **os.environ,
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_MAN_DIR": str(folder / "man"),
        "UV_TOOL_DIR": str(folder / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "NEXUSDEV_STATE_DIR": str(folder / "state"),
    }
    ran = subprocess.run(
        [sys.executable, "-m", *INSTALLERS[request.param], str(wheel)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {**environment, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def typed(installed: dict[str, str], folder: Path, *words: str) -> dict[str, Any]:
    """The data of a command that this user types in a folder of theirs."""
    argv = ["nexusdev", *words, "--json"]
    ran = subprocess.run(argv, cwd=folder, env=installed, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    data: dict[str, Any] = json.loads(ran.stdout)["data"]
    return data


def test_the_wheel_plans_the_whole_stack_from_any_folder(installed: dict[str, str], tmp_path: Path) -> None:
    steps = typed(installed, tmp_path, "up", "--dry-run")["steps"]
    assert {"postgresql-0", "redis-0", "minio-0", "vault-0", "prometheus-0"} <= {step["subject"] for step in steps}


def test_the_wheel_carries_the_image_lock_and_the_build_contexts(installed: dict[str, str], tmp_path: Path) -> None:
    images = typed(installed, tmp_path, "images", "list")["images"]
    assert {"postgres", "vault", "minio"} <= {row["name"] for row in images}


def test_env_of_the_wheel_says_that_nothing_was_started(installed: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(["nexusdev", "env"], cwd=tmp_path, env=installed, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "nexusdev up" in ran.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_completion_of_the_wheel_completes_commands(installed: dict[str, str], tmp_path: Path) -> None:
    """As bash does it: the script is sourced, and the function that it registers is called for the word under the cursor."""
    script = """
        source <(nexusdev completion bash)
        COMP_WORDS=(nexusdev stat) COMP_CWORD=1 COMP_LINE="nexusdev stat" COMP_POINT=13
        registered=$(complete -p nexusdev | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $registered nexusdev stat nexusdev
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    ran = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=installed, capture_output=True, text=True, check=False
    )
    assert ran.stdout.split() == ["status"], ran.stderr
