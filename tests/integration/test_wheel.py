"""The wheel carries all that it needs: installed by pipx, it works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
