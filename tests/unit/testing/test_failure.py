"""What the report of a failed test shows of the servers' logs."""

from __future__ import annotations

import pytest

from nexusdev.testing.failure import masked


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("STATEMENT:  ALTER ROLE shop PASSWORD 'it''s' VALID", "STATEMENT:  ALTER ROLE shop PASSWORD '***' VALID"),
        ("AUTH s3cretvalue", "AUTH ***"),
        ("connection received", "connection received"),
    ],
)
def test_passwords_are_masked(line: str, shown: str) -> None:
    assert masked(line, {"s3cretvalue"}) == shown
