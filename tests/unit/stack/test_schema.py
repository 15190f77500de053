"""The tables that the loader obeys and the page that people read say the same."""

from __future__ import annotations

import re
from pathlib import Path

from nexusdev.stack.schema import PLACES, REFUSED

PAGE = Path(__file__).parents[3] / "docs" / "compose-subset.md"


def tables(page: str) -> dict[str, dict[str, str]]:
    """Heading → key → meaning."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^##+ ", page, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        found[heading] = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", body, flags=re.MULTILINE))
    return found


def test_the_page_lists_exactly_the_keys_that_the_loader_accepts() -> None:
    written = tables(PAGE.read_text())
    assert {place: written.get(place) for place in PLACES} == {place: dict(keys) for place, keys in PLACES.items()}


def test_the_page_lists_the_keys_that_are_refused_with_their_reasons() -> None:
    assert tables(PAGE.read_text())["Refused keys"] == dict(REFUSED)
    assert not set(REFUSED) & set(PLACES["service"])
