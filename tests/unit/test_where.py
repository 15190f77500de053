"""The table "Where does X happen" in CONTRIBUTING.md: each file exists and defines the name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTION = (
    (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where does X happen")[2].partition("\n## ")[0]
)
ROWS = re.findall(r"^\| ([^|]+) \| `(nexusdev/[^`]+)` \| `(\w+)` \|$", SECTION, flags=re.MULTILINE)


def names_in(file: Path) -> set[str]:
    """Every function, class and constant that a file defines."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in nodes if isinstance(node, ast.AnnAssign)]
    return defined | {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_line_of_the_table_is_a_row() -> None:
    lines = [line for line in SECTION.splitlines() if line.startswith("| ") and not line.startswith("| where")]
    assert len(ROWS) == len(lines) >= 15


@pytest.mark.parametrize(("question", "file", "name"), ROWS)
def test_the_file_defines_the_name(question: str, file: str, name: str) -> None:
    assert name in names_in(ROOT / file), question
