"""The tour waits for Enter only where somebody can type it."""

from __future__ import annotations

import io

import pytest

from nexusdev.cli.console import Console
from nexusdev.cli.tour import ConsoleGuide
from nexusdev.demo.chapters import CHAPTERS
from tests.fakes import House


def guide(**options: bool) -> tuple[ConsoleGuide, io.StringIO]:
    out = io.StringIO()
    return ConsoleGuide(Console(out=out, err=io.StringIO()), **options), out


def test_a_chapter_begins_with_its_text_and_the_commands() -> None:
    shown, out = guide()
    assert shown.open(CHAPTERS[0], 1, 9)
    text = out.getvalue()
    assert text.startswith("\n1 of 9: What runs\n")
    assert "by hand:\n  nexusdev status\n" in text
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith("  "))


def test_without_a_terminal_nobody_is_waited_for() -> None:
    shown, _ = guide(waits=True)
    assert shown.open(CHAPTERS[1], 2, 9)


@pytest.mark.parametrize("words", [("demo", "--clean", "stack"), ("demo", "--clean", "--fast")])
def test_clean_takes_nothing_else(house: House, words: tuple[str, ...]) -> None:
    typed = house.type(*words)
    assert typed.status == 2
    assert "--clean takes no chapters" in typed.err


def test_the_json_of_a_tour_has_its_chapters(house: House) -> None:
    house.type("up")
    data = house.type("demo", "stack", "--json").envelope["data"]
    assert [each["name"] for each in data["chapters"]] == ["stack"]
    assert data["sample_data"] is False
