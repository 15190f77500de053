"""The suite knows no runtime: what only one of them has is in its own folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import nexusdev.runtimes

HERE = Path(__file__).parent
RUNTIMES = Path(nexusdev.runtimes.__file__).parent
PACKAGES = [f"nexusdev.runtimes.{each.name}" for each in RUNTIMES.iterdir() if (each / "__init__.py").exists()]
FOLDERS = [f"tests.contract.{each.name}" for each in HERE.iterdir() if (each / "__init__.py").exists()]


def imported(file: Path) -> set[str]:
    """The modules that a file imports, at its top or within a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{each.name}" for each in node.names}
    return names


def test_every_runtime_has_a_contract_folder() -> None:
    assert {"nexusdev.runtimes.docker", "nexusdev.runtimes.memory"} <= set(PACKAGES)
    assert {"tests.contract.docker", "tests.contract.pods"} <= set(FOLDERS)


@pytest.mark.parametrize("file", sorted(HERE.glob("*.py")), ids=lambda file: file.name)
def test_the_neutral_suite_imports_no_runtime(file: Path) -> None:
    forbidden = (*PACKAGES, *FOLDERS, "tests.engine_needed", "docker")
    assert [name for name in imported(file) if name.startswith(tuple(forbidden)) or name in forbidden] == []


@pytest.mark.parametrize("file", sorted((HERE / "pods").glob("*.py")), ids=lambda file: file.name)
def test_the_pods_runtime_uses_only_shared_runtime_code_and_an_image_store(file: Path) -> None:
    found = [name for name in imported(file) if name.startswith(tuple(PACKAGES))]
    assert set(found) <= {"nexusdev.runtimes.memory.images.MemoryImages"}
