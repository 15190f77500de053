"""The report of the scorecard: Markdown tables, and a page that needs no network and executes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.cli.rendering.verify import figure
from nexusdev.cli.rendering.verify_report import as_html, as_markdown, require_format, write_report
from nexusdev.components.scores import Control, ControlResult, Measured, Score
from nexusdev.errors import UsageError
from nexusdev.operations.verify import ControlOutcome, Figure, VerifyResult


def score(name: str, target: float | None) -> Score:
    return Score(
        name=name, title=f"The {name}", unit="ms", method="one | two", target=target, production="fast",
        measure=lambda _: Measured(value=1.0, samples=1),
    )  # fmt: skip


RESULT = VerifyResult(
    instance="shop",
    rows=(
        Figure(
            score=score("good", 4.0),
            measured=Measured(value=3.0, samples=300, details={"p99": "9 ms"}, limit="the disk"),
        ),
        Figure(score=score("broken", 4.0), failure="<script>gone</script>"),
    ),
    controls=(
        ControlOutcome(
            control=Control(
                name="door", title="the door is locked", check=lambda _: ControlResult(passed=True, evidence="")
            ),
            finding=ControlResult(passed=False, evidence="open"),
        ),
    ),
    left_out={"backups": "there are none"},
    at=0.0,
    machine="2 cores",
)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(2.154, "s", "2.15 s"), (11.94, "ms", "11.9 ms"), (0.0, "", "0"), (None, "%", "unknown")],
)
def test_a_figure_has_its_unit(value: float | None, unit: str, words: str) -> None:
    assert figure(value, unit) == words


def test_the_markdown_has_every_row_with_its_target_and_limit() -> None:
    text = as_markdown(RESULT)
    assert "Measured 1970-01-01 00:00 UTC on 2 cores" in text
    assert "| The good | 3.0 ms | ≤ 4 ms | fast | One \\| two. 300 samples: p99 9 ms. Limited by: the disk |" in text
    assert "| The broken | unknown | ≤ 4 ms | fast |" in text
    assert "| the door is locked | **failed** | open |" in text
    assert text.endswith("Not measured here: backups: there are none.\n")


def test_the_page_needs_no_network_and_shows_text_as_text() -> None:
    page = as_html(RESULT)
    assert "<script>" not in page
    assert "&lt;script&gt;gone" in page
    assert "http" not in page
    assert 'class="bad">failed' in page


def test_a_report_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    for name, start in (("s.md", "# Scorecard"), ("s.html", "<!doctype html>")):
        write_report(RESULT, tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start)


def test_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match=r"use FILE\.md or FILE\.html"):
        require_format(Path("scorecard.pdf"))
