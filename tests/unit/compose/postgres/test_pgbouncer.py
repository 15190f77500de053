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


def test_unsupported_options_are_rejected(pool: dict[str, str]) -> None:
    assert names(pool["ignore_startup_parameters"]) == ["extra_float_digits"]


def test_stale_plans_are_replaced_within_seconds(pool: dict[str, str]) -> None:
    assert 0 < int(pool["server_lifetime"]) <= 5


def test_the_docs_list_tracked_and_ignored_parameters(pool: dict[str, str]) -> None:
    text = (ROOT / "docs" / "rights.md").read_text()
    for name in (*names(pool["track_extra_parameters"]), *names(pool["ignore_startup_parameters"])):
        assert f"`{name}`" in text
    assert f"live for {pool['server_lifetime']} s" in text
