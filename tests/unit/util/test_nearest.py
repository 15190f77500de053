"""Suggestions for mistyped words."""

from __future__ import annotations

import pytest

from nexusdev.util.nearest import nearest, typo_of
from tests.imports import imported_by

NODES = ("postgres-0", "redis-0", "redis-1", "redis-2", "redis-sentinel")


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("statsu", ("start", "status", "stop"), "status"),
        ("STATUS", ("start", "status"), "status"),
        ("minoi", ("postgres", "MinIO"), "MinIO"),
        ("sec", ("secrets-rotate", "secrets", "seed"), "secrets"),
        ("--time", ("--tail", "--timeout"), "--timeout"),
    ],
)
def test_the_most_similar_word_is_found_and_a_prefix_wins(word: str, known: tuple[str, ...], meant: str) -> None:
    assert nearest(word, known) == (meant,)


@pytest.mark.parametrize(("word", "known"), [("xyz", ("redis", "minio")), ("", ("redis",)), ("redis", ())])
def test_an_unrelated_word_has_no_suggestion(word: str, known: tuple[str, ...]) -> None:
    assert nearest(word, known, count=3) == ()


def test_equally_similar_words_keep_their_order_up_to_the_count() -> None:
    assert nearest("redis-9", NODES, count=3) == ("redis-0", "redis-1", "redis-2")
    assert nearest("redis-9", NODES) == ("redis-0",)


def test_several_words_with_the_prefix_are_returned_shortest_first() -> None:
    assert nearest("redis-", NODES, count=9) == ("redis-0", "redis-1", "redis-2", "redis-sentinel")


def test_further_suggestions_must_be_similarly_close() -> None:
    assert nearest("postgrse", ("postgres", "prometheus"), count=3) == ("postgres",)


def test_duplicate_words_are_returned_once() -> None:
    assert nearest("redsi", ("redis", "redis"), count=3) == ("redis",)


def test_a_typo_scores_higher_than_a_suggestion() -> None:
    assert typo_of("timout", ("env_file", "timeout")) == "timeout"
    assert nearest("ca_file", ("env_file",)) == ("env_file",)
    assert typo_of("ca_file", ("env_file",)) == ""
    assert typo_of("time", ("timeout",)) == ""


def test_difflib_is_imported_lazily() -> None:
    assert "difflib" not in imported_by("import nexusdev.util.nearest")
