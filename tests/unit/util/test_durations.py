"""Durations as people and Compose files write them."""

from __future__ import annotations

import pytest

from nexusdev.util.durations import parse, parse_compose, parse_with_units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("0", 0),
        ("500ms", 0.5),
        ("90s", 90),
        ("1.5m", 90),
        ("2 h", 7200),
        (" 1h30m ", 5400),
        ("1h 30m", 5400),
        ("1m500ms", 60.5),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1y", 31_536_000),
    ],
)
def test_units_can_be_combined(text: str, seconds: float) -> None:
    assert parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "15x", "-5m", "1h30", "h", "1,5m", "1h-30m", "1e3", "nan", "٣m", "1H", "9" * 400 + "s"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse(text)


def test_an_overlong_number_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse("9" * 400)


def test_a_number_can_be_required_to_have_a_unit() -> None:
    assert parse_with_units("1h30m") == 5400
    with pytest.raises(ValueError, match="invalid duration: '20260131'"):
        parse_with_units("20260131")


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("1m30s", 90), ("1.5h", 5400), ("0s", 0)])
def test_compose_files_combine_units(text: str, seconds: float) -> None:
    assert parse_compose(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "1d", "1m 30s", " 30s", "30 s"])
def test_compose_files_have_neither_days_nor_spaces_nor_plain_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_compose(text)
