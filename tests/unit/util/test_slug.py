"""Names that need no quoting."""

from __future__ import annotations

import pytest

from nexusdev.util.slug import slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [("shop", "shop"), ("My Shop!", "my-shop"), ("--a__b--", "a-b"), ("Jörg", "j-rg"), ("", ""), ("...", "")],
)
def test_other_characters_collapse_to_one_hyphen(text: str, expected: str) -> None:
    assert slug(text) == expected
