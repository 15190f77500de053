"""What a person reads, at 100 columns and at 40."""

from __future__ import annotations

import pytest

from nexusdev.cli import layout
from nexusdev.cli.layout import Page
from nexusdev.cli.output import Table, Text
from nexusdev.errors import NexusError

FAILURE = NexusError(
    "postgres is not ready: postgresql-1 exited (code 1) 2.3 s after its start",
    code="PG_DATA_VERSION",
    why="its volume was written by PostgreSQL 16; this release runs 17",
    evidence=["FATAL:  database files are incompatible with server"],
    hint="nexusdev destroy      throw it away\nnexusdev logs postgresql-1  read it all",
)


def lines(width: int) -> list[str]:
    return list(layout.error(FAILURE, Page(width=width)))


def test_an_error_has_message_reason_evidence_hint_and_code() -> None:
    assert lines(100) == [
        "Error: postgres is not ready: postgresql-1 exited (code 1) 2.3 s after its start     PG_DATA_VERSION",
        "  why       its volume was written by PostgreSQL 16; this release runs 17",
        "  evidence  FATAL:  database files are incompatible with server",
        "  next      nexusdev destroy             throw it away",
        "            nexusdev logs postgresql-1   read it all",
    ]


def test_an_error_at_40_columns_stays_within_them() -> None:
    assert max(map(len, lines(40))) <= 40
    assert any(line.endswith(" PG_DATA_VERSION") for line in lines(40))


def test_an_error_without_details_is_one_line() -> None:
    assert len(list(layout.error(NexusError("no"), Page(width=80)))) == 1


TABLE = Table(
    columns=("service", "role", "detail"),
    rows=(("redis-0", Text("master", "good"), "2 replicas in sync"), ("gateway-rw", "", "")),
)


def test_a_table_that_fits_is_aligned() -> None:
    assert [line.rstrip() for line in layout.table(TABLE, Page(width=60))] == [
        "service     role    detail",
        "redis-0     master  2 replicas in sync",
        "gateway-rw",
    ]


def test_the_last_column_of_a_table_wraps() -> None:
    assert [line.rstrip() for line in layout.table(TABLE, Page(width=40))][1:3] == [
        "redis-0     master  2 replicas in sync",
        "gateway-rw",
    ]


def test_a_narrow_screen_gets_a_block_per_row_without_empty_lines() -> None:
    assert [line.rstrip() for line in layout.table(TABLE, Page(width=30))] == [
        "redis-0",
        "  role    master",
        "  detail  2 replicas in sync",
        "gateway-rw",
    ]


@pytest.mark.parametrize("width", [24, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    wide = Table(columns=("a", "b"), rows=(("x" * 30, "words " * 30), ("y", "z" * 100)))
    assert max(len(line.rstrip()) for line in layout.table(wide, Page(width=width))) <= max(width, 34)


def test_colors_are_only_used_when_enabled() -> None:
    assert "\x1b[32m" in "\n".join(layout.table(TABLE, Page(width=60, color=True)))
    assert "\x1b" not in "\n".join(layout.table(TABLE, Page(width=60)))


def test_long_words_are_wrapped_with_their_indent() -> None:
    assert layout.wrapped("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert layout.wrapped("  one two three", 9) == ["  one two", "  three"]
