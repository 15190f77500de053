"""docs/variables.md lists the variables of the components, so that no name changes unnoticed."""

from __future__ import annotations

from scripts import variables


def test_the_variables_page_matches_the_components() -> None:
    assert variables.FILE.read_text(encoding="utf-8") == variables.text(), (
        "run `make variables` and check the difference"
    )
