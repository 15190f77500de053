"""The folders of the components have the same files: each member of the contract is in the same place in all of them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import nexusdev.components
from nexusdev.components.registry import ROWS

FOLDER = Path(nexusdev.components.__file__).parent
#: File → the public name that it has in every component.
SHARED = {
    "component": "create",
    "names": "NAME",
    "probe": "probe",
    "readiness": "assess",
    "status": "statuses",
    "quick_proof": "endpoints",
    "variables": "variables",
    "proof": "prove",
    "seed": "seed",
    "project_seed": "apply",
    "rotate": "rotate",
    "client": "",
    "light_client": "",
    "desired_state": "",
    "command": "HELP",
    "arguments": "reads_stdin",
    "companions": "COMPANIONS",
    "lease": "",
    "load": "",
    "scenarios": "SCENARIOS",
    "scores": "SCORES",
    "baseline": "reset_data",
}
REQUIRED = {"component", "names", "probe", "readiness", "status", "quick_proof"}


def files(component: str) -> set[str]:
    return {each.stem for each in (FOLDER / component).glob("*.py")} - {"__init__"}


def public_names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {each.name for each in tree.body if isinstance(each, (ast.FunctionDef, ast.ClassDef))}
    targets = [target for each in tree.body if isinstance(each, ast.Assign) for target in each.targets]
    return functions | {each.id for each in targets if isinstance(each, ast.Name)}


@pytest.mark.parametrize("component", ROWS)
def test_a_component_has_the_required_files(component: str) -> None:
    missing = REQUIRED - files(component)
    assert not missing, f"copy them from tests/toy/components/toy to nexusdev/components/{component}"


@pytest.mark.parametrize("component", ROWS)
def test_the_docstring_of_a_component_names_the_files_that_only_it_has(component: str) -> None:
    text = ast.get_docstring(ast.parse((FOLDER / component / "__init__.py").read_text(encoding="utf-8"))) or ""
    listed = {line.split()[0].removesuffix(".py") for line in text.splitlines() if line.startswith("    ")}
    assert files(component) - SHARED.keys() == listed, f"list them in nexusdev/components/{component}/__init__.py"


@pytest.mark.parametrize("component", ROWS)
def test_a_shared_file_defines_the_same_name_in_every_component(component: str) -> None:
    for file in files(component) & SHARED.keys():
        assert {SHARED[file]} - {""} <= public_names(FOLDER / component / f"{file}.py"), file


@pytest.mark.parametrize("component", ROWS)
def test_no_other_file_defines_the_name_of_a_shared_file(component: str) -> None:
    for file in files(component):
        elsewhere = {name for other, name in SHARED.items() if name and other != file}
        assert not elsewhere & public_names(FOLDER / component / f"{file}.py"), file


def test_the_docstring_of_the_package_lists_the_shared_files() -> None:
    text = nexusdev.components.__doc__ or ""
    assert {name for name in SHARED if f"{name}.py" not in text} == set()
