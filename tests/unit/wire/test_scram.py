"""The verifier is the one that PostgreSQL itself would make."""

from __future__ import annotations

import base64

import pytest

from nexusdev.wire.scram import matches, verifier

# RFC 7677, section 3: user "user", password "pencil".
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
STORED = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="


def test_the_verifier_matches_the_rfc() -> None:
    assert verifier("pencil", salt=SALT) == STORED


def test_a_password_matches_its_verifier() -> None:
    assert matches(verifier("abcDEF123"), "abcDEF123")
    assert not matches(verifier("abcDEF123"), "abcDEF124")


def test_two_verifiers_of_one_password_differ() -> None:
    assert verifier("abc") != verifier("abc")


@pytest.mark.parametrize("kept", [None, "", "md5abc", "plain"])
def test_other_verifiers_match_nothing(kept: str | None) -> None:
    assert not matches(kept, "abc")
