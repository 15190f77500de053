"""How lists, numbers and times are written."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from nexusdev.util import humanize


@pytest.mark.parametrize(
    ("names", "written"),
    [((), ""), (("a",), "a"), (["a", "b"], "a and b"), ({"a": 1, "b": 2, "c": 3}, "a, b and c")],
)
def test_names_are_joined_like_a_sentence(names: Collection[str], written: str) -> None:
    assert humanize.join_names(names) == written


@pytest.mark.parametrize(("seconds", "written"), [(0.42, "0.4 s"), (48.2, "48 s"), (185, "3 min 5 s")])
def test_seconds_are_formatted_for_people(seconds: float, written: str) -> None:
    assert humanize.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(-5, "less than a minute"), (61, "1 minute"), (3 * 3600, "3 hours"), (12 * 86400 + 5, "12 days")],
)
def test_ages_are_approximate(seconds: float, written: str) -> None:
    assert humanize.duration_ago(seconds) == written


@pytest.mark.parametrize(("count", "written"), [(0, "0 MB"), (86_700_000, "87 MB"), (1_400_000_000, "1.4 GB")])
def test_sizes_are_formatted_in_megabytes_or_gigabytes(count: int, written: str) -> None:
    assert humanize.file_size(count) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.25, "0.25"), (12.34, "12.3"), (1230, "1.23k"), (512e6, "512M"), (999.7, "1k")]
)
def test_large_numbers_keep_three_significant_digits(value: float, written: str) -> None:
    assert humanize.si(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(42.0, "42"), (0.00331, "0.00331"), (float("nan"), "NaN"), (float("-inf"), "-Inf")]
)
def test_prometheus_numbers_are_formatted_like_prometheus(value: float, written: str) -> None:
    assert humanize.number(value) == written
