"""docs/clients.md as a run of `make clients` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nexusdev.env.framework_files import FRAMEWORKS
from tests.integration.clients import report, test_framework_files
from tests.integration.frameworks import test_pages

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[4]
PAGES = sorted({case.name for case in test_pages.CASES} | test_pages.OTHERS)

SUITE = """
import pytest

@pytest.mark.documented("file", "django")
@pytest.mark.parametrize("number", [1, 2])
def test_file(number):
    if number == 1:
        pytest.skip("no Python here")
"""


def all_ok() -> dict[report.Row, str]:
    return dict.fromkeys(report.every_row(PAGES), "ok")


def test_the_page_in_the_docs_has_no_row_that_is_gone() -> None:
    def rows(text: str) -> list[str]:
        names = re.findall(r"^\| (.*)", text, flags=re.MULTILINE)
        return [" ".join(name.split(" | ")[:2]).removesuffix(" |") for name in names if name.count(" | ") > 2] + [
            name.split(" | ")[0] for name in names if name.count(" | ") == 1
        ]

    assert set(rows((ROOT / "docs" / "clients.md").read_text())) <= set(rows(report.page(all_ok(), PAGES)))


def test_a_row_tells_its_worst_outcome() -> None:
    assert report.worst(["ok", "ok"]) == "ok"
    assert report.worst(["ok", "no Ruby here", "failed"]) == "failed"
    assert report.worst(["ok", "no Ruby here"]) == "no Ruby here"


def test_each_file_of_env_for_has_a_test_with_its_framework() -> None:
    marks = [each for test in vars(test_framework_files).values() for each in getattr(test, "pytestmark", ())]
    params = [each for mark in marks if mark.name == "parametrize" for each in mark.args[1]]
    nested = [each for param in params for each in getattr(param, "marks", ())]
    found = {mark.args[1] for mark in (*marks, *nested) if mark.name == "documented"}
    assert found == set(FRAMEWORKS)


def test_a_part_of_the_tests_leaves_the_page_as_it_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = pytester.path / "clients.md"
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nmarkers =\n    documented(table, row): of the page\n")
    found = pytester.inline_run(plugins=[report.ClientsReport(target, ["django"])])
    found.assertoutcome(passed=1, skipped=1)
    assert not target.exists()
    monkeypatch.setattr(report, "every_row", lambda _pages: [("file", "django")])
    monkeypatch.setattr(report, "page", lambda seen, _pages: seen["file", "django"])
    pytester.inline_run(plugins=[report.ClientsReport(target, ["django"])])
    assert target.read_text() == "no Python here"
