"""The locked requirements fit the ranges of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]


def locked(file: str) -> Mapping[str, str]:
    """Name → version."""
    pins = re.findall(
        r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", [*GROUPS["build"], *GROUPS["dev"]]),
    ],
)
def test_each_dependency_is_locked_to_a_version_of_its_range(file: str, wanted: list[str]) -> None:
    versions = locked(file)
    missing = {each.name for each in map(Requirement, wanted) if canonicalize_name(each.name) not in versions}
    assert missing == set(), "run `make lock`"
    unfit = {
        str(each) for each in map(Requirement, wanted) if versions[canonicalize_name(each.name)] not in each.specifier
    }
    assert unfit == set(), "run `make lock`"
