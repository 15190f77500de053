"""What users read names every component that they use."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.cli.app import main_options
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.registry import ROWS
from nexusdev.interfaces import View
from tests.unit.components.test_registry import anywhere

ROOT = Path(__file__).parents[3]
ALL = ComponentSet()
#: Components that applications log in to.
WITH_LOGINS = [name for name in ALL if any(each.secret for each in ALL[name].variables(anywhere(), View.HOST))]


@pytest.mark.parametrize("name", WITH_LOGINS)
def test_the_rights_page_lists_the_rights_of_the_logins(name: str) -> None:
    lines = (ROOT / "docs" / "rights.md").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"## {ALL[name].title}") for line in lines), "add a section to docs/rights.md"


@pytest.mark.parametrize("name", WITH_LOGINS)
def test_the_first_sentences_of_help_and_readme_name_the_product(name: str) -> None:
    introduction = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert ALL[name].title in introduction, "name it in README.md"
    assert ALL[name].title in (main_options.__doc__ or ""), "name it in nexusdev/cli/app.py"


@pytest.mark.parametrize("name", ROWS)
def test_every_component_has_a_table_of_its_failures(name: str) -> None:
    assert (ROOT / "tests" / "unit" / "components" / name / "test_readiness.py").is_file()
