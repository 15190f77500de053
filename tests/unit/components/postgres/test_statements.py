"""Where statements begin: semicolons that only look like ends are not taken for them."""

from __future__ import annotations

import pytest

from nexusdev.components.postgres.project_seed import line_of_statement
from nexusdev.components.postgres.statements import starts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("-- only; a remark\n", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\n  SELECT 2;", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT ';';SELECT 2", ["SELECT ';';", "SELECT 2"]),
        ("SELECT 'it''s;' ;SELECT 2", ["SELECT 'it''s;' ;", "SELECT 2"]),
        (r"SELECT E'\';' ;SELECT 2", [r"SELECT E'\';' ;", "SELECT 2"]),
        ('SELECT ";" FROM x;SELECT 2', ['SELECT ";" FROM x;', "SELECT 2"]),
        ("DO $$ BEGIN; END $$;SELECT 2", ["DO $$ BEGIN; END $$;", "SELECT 2"]),
        ("DO $a$ $$;$$ ; $a$;SELECT 2", ["DO $a$ $$;$$ ; $a$;", "SELECT 2"]),
        ("/* a /* b; */ ; */SELECT 1;SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("-- a;\nSELECT 1", ["SELECT 1"]),
        ("SELECT 1;;SELECT 2", ["SELECT 1;;", "SELECT 2"]),
        ("SELECT 'never closed; SELECT 2", ["SELECT 'never closed; ", "SELECT 2"]),
    ],
)
def test_statements_are_classified(text: str, found: list[str]) -> None:
    offsets = starts(text)
    ends = [*offsets[1:], len(text)][: len(offsets)]
    assert [text[begin:end].strip() for begin, end in zip(offsets, ends, strict=True)] == [
        each.strip() for each in found
    ]


def test_a_statement_has_the_line_of_its_first_word() -> None:
    text = "SELECT 1;\n\n-- the next one\nSELECT 2;\nSELECT 3;\n"
    assert [line_of_statement(text, number) for number in range(4)] == [1, 4, 5, 5]
    assert line_of_statement("", 0) == 1
