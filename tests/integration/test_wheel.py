"""The wheel carries all that it needs: installed by pipx, it works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user who installed the wheel by pipx."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    environment = {
        **os.environ,
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_MAN_DIR": str(folder / "man"),
        "NEXUSDEV_STATE_DIR": str(folder / "state"),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "pipx", "install", "--python", sys.executable, str(wheel)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {**environment, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def test_the_wheel_plans_the_whole_stack_from_any_folder(installed: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(
        ["nexusdev", "up", "--dry-run", "--json"],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "postgresql-0" in ran.stdout


def test_the_wheel_carries_the_image_lock_and_the_build_contexts(installed: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(
        ["nexusdev", "images", "list", "--json"],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert {"postgres", "vault", "minio"} <= {row["name"] for row in json.loads(ran.stdout)["data"]["images"]}
