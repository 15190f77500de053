"""What CONTRIBUTING.md says of the tree: where things happen, and that the unit tests follow what they test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Where does X happen")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| ([^|]+) \| `(nexusdev/[^`]+)` \| `(\w+)` \|$", SECTION, flags=re.MULTILINE)


def names_in(file: Path) -> set[str]:
    """Every function, class and constant that a file defines."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in nodes if isinstance(node, ast.AnnAssign)]
    return defined | {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_line_of_the_table_is_parsed() -> None:
    lines = [line for line in SECTION.splitlines() if line.startswith("| ") and not line.startswith("| where")]
    assert len(ROWS) == len(lines) >= 15


@pytest.mark.parametrize(("question", "file", "name"), ROWS)
def test_the_file_defines_the_name(question: str, file: str, name: str) -> None:
    assert name in names_in(ROOT / file), question


#: Protocol → its file. The page has a table of its members for those who implement it.
PROTOCOLS = {
    "Runtime": "nexusdev/interfaces.py",
    "RuntimeProvider": "nexusdev/runtimes/provider.py",
    "Component": "nexusdev/components/contract.py",
}


def members_of(protocol: str) -> set[str]:
    tree = ast.parse((ROOT / PROTOCOLS[protocol]).read_text(encoding="utf-8"))
    [found] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == protocol]
    fields = {
        each.target.id for each in found.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    return fields | {each.name for each in found.body if isinstance(each, ast.FunctionDef)}


def tables() -> list[set[str]]:
    """The names in the first column of each table ``member | purpose``."""
    found = re.findall(r"^ *\| member \| purpose \|.*\n *\|[-|]+\n((?: *\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return [
        {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])} for table in found
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_page_has_a_table_of_all_members_of_a_protocol(protocol: str) -> None:
    assert members_of(protocol) in tables()


#: Paths from the root of the repository, and names of tests.
PATHS = sorted(set(re.findall(r"`((?:nexusdev|tests|compose|docs|scripts)/[\w./-]+|test_\w+\.py)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_every_file_that_the_page_names_exists(path: str) -> None:
    assert (ROOT / path).exists() or ("/" not in path and [*(ROOT / "tests").rglob(path)])


#: Unit tests of more than one file. Every other one has the folder and the name of what it tests.
OF_SEVERAL_FILES = {
    "test_class_names.py",
    "test_contributing.py",
    "test_error_codes.py",
    "test_own_home.py",
    "test_runtime_words.py",
    "test_sharing.py",
    "cli/test_help_imports.py",
    "cli/test_process.py",
    "components/test_documentation.py",
    "components/test_file_names.py",
    "components/test_independence.py",
    "components/test_topology.py",
    "components/vault/test_cuts.py",
    "compose/monitoring/grafana/test_dashboard_words.py",
    "compose/test_connections.py",
    "compose/test_members.py",
    "env/test_trusted_by_clients.py",
    "operations/test_own_services.py",
    "operations/test_placement.py",
    "operations/test_read_only.py",
    "operations/test_root_for_others.py",
    "operations/test_runtime_of_instance.py",
    "operations/test_state_elsewhere.py",
    "operations/test_state_path.py",
    "runtimes/test_publish_secret.py",
}
UNIT = ROOT / "tests" / "unit"
TESTS = {file.relative_to(UNIT) for file in UNIT.rglob("test_*.py")}


def subjects_of(test: Path) -> list[Path]:
    """The file or folder that has the folder and the name of a test: in the package, the repository, tests or the toy."""
    name = test.stem.removeprefix("test_")
    folders = [root / test.parent for root in (ROOT / "nexusdev", ROOT, ROOT / "tests", ROOT / "tests" / "toy")]
    return [each for folder in folders if folder.is_dir() for each in folder.iterdir() if each.stem.strip("_") == name]


@pytest.mark.parametrize("test", sorted(TESTS - {Path(each) for each in OF_SEVERAL_FILES}), ids=str)
def test_a_unit_test_has_the_folder_and_the_name_of_what_it_tests(test: Path) -> None:
    assert subjects_of(test), f"rename tests/unit/{test} after the file that it tests, or add it to OF_SEVERAL_FILES"


def test_the_list_of_exceptions_is_current() -> None:
    assert {each for each in OF_SEVERAL_FILES if Path(each) not in TESTS or subjects_of(Path(each))} == set()
