"""Machines, shells and accounts that are not like ours."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


@pytest.fixture
def private_checkout(tmp_path: Path) -> Path:
    """A checkout that was made with umask 077."""
    for name in ("nexusdev", "compose"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in tmp_path.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return tmp_path


def test_a_checkout_that_only_its_owner_may_read_comes_up(gone_at_the_end: Project, private_checkout: Path) -> None:
    project = replace(
        gone_at_the_end, extra={"PYTHONPATH": str(private_checkout)}, before=("sh", "-c", 'umask 077; "$@"', "sh")
    )
    ran = project.run("up", SMALL)
    assert ran.code == 0, ran.err
    assert ready(project)
