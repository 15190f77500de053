"""The pool's configuration, and the page of the docs that says what it means for clients."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def pool() -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / "compose" / "postgres" / "pgbouncer.ini")
    return dict(parser["pgbouncer"])


def names(value: str) -> list[str]:
    return [each.strip() for each in value.split(",")]


def test_options_are_never_dropped_silently(pool: dict[str, str]) -> None:
    assert names(pool["ignore_startup_parameters"]) == ["extra_float_digits"]


def test_plans_heal_within_seconds(pool: dict[str, str]) -> None:
    assert 0 < int(pool["server_lifetime"]) <= 5


def test_the_docs_name_what_is_followed_and_what_is_ignored(pool: dict[str, str]) -> None:
    text = (ROOT / "docs" / "rights.md").read_text()
    for name in (*names(pool["track_extra_parameters"]), *names(pool["ignore_startup_parameters"])):
        assert f"`{name}`" in text
    assert f"live for {pool['server_lifetime']} s" in text
