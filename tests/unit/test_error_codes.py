"""docs/errors.md lists every error code of the package, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = {file: ast.parse(file.read_text()) for file in sorted((ROOT / "nexusdev").rglob("*.py"))}
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")


def constants() -> dict[str, str]:
    """Name → value of every string that a module assigns to a name in capitals."""
    return {
        target.id: node.value.value
        for tree in TREES.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that this node uses as an error code."""
    match node:
        case ast.keyword(arg="code", value=value):
            yield value
        case ast.Assign(targets=[ast.Name(id="default_code")], value=value):
            yield value
        case ast.AnnAssign(target=ast.Name(id="default_code"), value=ast.expr() as value):
            yield value
        case ast.FunctionDef(name="_code"):
            yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)
        case _:
            pass


def codes(expression: ast.expr, named: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(expression):
        match node:
            case ast.Constant(value=str(value)) if CODE.fullmatch(value):
                yield value
            case ast.Name(id=name) if name in named:
                yield named[name]
            case ast.JoinedStr(values=[ast.Constant(value="FOREIGN_"), *_]):
                yield from ("FOREIGN_NETWORK", "FOREIGN_VOLUME")
            case _:
                pass


def test_the_documentation_lists_every_error_code() -> None:
    named = constants()
    used = {
        code
        for tree in TREES.values()
        for node in ast.walk(tree)
        for expression in expressions(node)
        for code in codes(expression, named)
    }
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == used
