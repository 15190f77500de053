"""Tests on a real engine fail where there is none: a skip would let continuous integration pass without them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]


@pytest.mark.parametrize("ci", ["", "true"])
def test_integration_and_contract_tests_fail_with_a_hint_without_an_engine(tmp_path: Path, ci: str) -> None:
    files = ("tests/contract/test_image_store.py", "tests/contract/test_runtime.py", "tests/integration/test_wheel.py")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "integration", "-k", "volume or twice or wheel", *files],
        cwd=HERE,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock", "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    outcomes = ran.stdout.splitlines()[-1]
    assert "skipped" not in outcomes
    assert "passed" not in outcomes
    assert {line.split("::")[0] for line in ran.stdout.splitlines() if line.startswith("ERROR ")} == {
        f"ERROR {file}" for file in files
    }
    for line in ("no Docker engine answers", "next  scripts/engine", "next  make test-integration"):
        assert line in ran.stdout
