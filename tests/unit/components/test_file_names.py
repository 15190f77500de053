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
}
REQUIRED = {"component", "names", "probe", "readiness", "status", "quick_proof"}
#: Files that only one product needs.
OWN = {
    "gateway": set[str](),
    "minio": set[str](),
    "monitoring": {
        *("alerts", "config_files", "corruption", "coverage", "dashboard_files", "promtool", "rule_files", "targets"),
    },
    "postgres": {"seed_script", "statements", "wakeup"},
    "redis": {"users"},
    "vault": {"initialize", "kv", "pending", "reset", "root_token", "tokens", "unsealer"},
}


def files(component: str) -> set[str]:
    return {each.stem for each in (FOLDER / component).glob("*.py")} - {"__init__"}


def public_names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {each.name for each in tree.body if isinstance(each, (ast.FunctionDef, ast.ClassDef))}
    targets = [target for each in tree.body if isinstance(each, ast.Assign) for target in each.targets]
    return functions | {each.id for each in targets if isinstance(each, ast.Name)}


@pytest.mark.parametrize("component", ROWS)
def test_a_component_has_the_shared_files_and_its_own(component: str) -> None:
    assert files(component) >= REQUIRED
    assert files(component) - SHARED.keys() == OWN[component]


@pytest.mark.parametrize("component", ROWS)
def test_a_shared_file_defines_the_same_name_in_every_component(component: str) -> None:
    for file in files(component) & SHARED.keys():
        assert {SHARED[file]} - {""} <= public_names(FOLDER / component / f"{file}.py"), file
