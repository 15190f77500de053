"""A class name means one thing: it occurs once in the package, so that a search for it finds the one definition."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nexusdev

PACKAGE = Path(nexusdev.__file__).parent

# Names that several modules may define, and why.
SHARED = {
    "Facts": "what the probe of a component collects, once per component",
}


def names(source: str) -> Iterator[str]:
    """The classes of a module, and the aliases and type variables that it defines at the top level."""
    tree = ast.parse(source)
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (each.id for each in targets if isinstance(each, ast.Name) and is_type_name(each.id))


def is_type_name(name: str) -> bool:
    """``CamelCase``: no constant, no function, and nothing private. A single letter is a type variable."""
    return name[0].isupper() and not name.isupper()


def test_class_names_are_unique() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in set(names(file.read_text(encoding="utf-8"))):
            homes[name].append(str(file.relative_to(PACKAGE.parent)))
    assert len(homes) > 300
    assert {name: files for name, files in homes.items() if len(files) > 1 and name not in SHARED} == {}


def test_the_exceptions_are_still_needed() -> None:
    found = [name for file in PACKAGE.rglob("*.py") for name in set(names(file.read_text(encoding="utf-8")))]
    assert {name for name in SHARED if found.count(name) > 1} == set(SHARED)


def test_classes_aliases_and_nested_classes_are_found() -> None:
    source = "A = 1\nfirst = 2\nRow = tuple[int]\nKey: TypeAlias = str\nclass Outer:\n    class Inner: ...\n"
    assert set(names(source)) == {"Row", "Key", "Outer", "Inner"}
