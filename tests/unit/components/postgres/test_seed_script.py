"""A seed file is split as psql splits it, and every piece knows where it stands in the file."""

from __future__ import annotations

import pytest

from nexusdev.components.postgres.seed_script import Chunk, UnknownCommand, chunks

DUMP = r"""--
-- PostgreSQL database dump
--

\restrict k1

SET client_encoding = 'UTF8';

CREATE TABLE public.fruit (
    name text
);

--
-- Data for Name: fruit; Type: TABLE DATA
--

COPY public.fruit (name) FROM stdin;
apple; it's "red"
\N
pear\tgreen
\.


COPY public.empty FROM stdin;
\.


SELECT pg_catalog.setval('public.fruit_id_seq', 3, true);

\unrestrict k1
"""


def test_plain_sql_is_sent_as_one_message() -> None:
    text = "SELECT 1;\nSELECT E'\\'';\n"
    assert chunks(text) == (Chunk(start=0, sql=text),)


def test_a_dump_is_split_into_sql_and_copy_data() -> None:
    first, second, rest = chunks(DUMP)
    assert first.sql.rstrip().endswith("COPY public.fruit (name) FROM stdin;")
    assert first.data == 'apple; it\'s "red"\n\\N\npear\\tgreen\n'
    assert second.sql.strip() == "COPY public.empty FROM stdin;"
    assert second.data == ""
    assert rest.sql.strip() == "SELECT pg_catalog.setval('public.fruit_id_seq', 3, true);"
    assert rest.data is None
    assert "restrict" not in first.sql + rest.sql


def test_every_piece_has_its_line_number() -> None:
    for chunk in chunks(DUMP):
        assert len(chunk.sql) == len(DUMP[chunk.start :][: len(chunk.sql)])
        last = chunk.sql.split()[-1]
        assert DUMP[chunk.start : chunk.start + len(chunk.sql)].rstrip().endswith((last, "\\unrestrict k1"))
        if chunk.data is not None:
            assert DUMP[chunk.data_start :].startswith(chunk.data)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("copy t from stdin with (format csv);\n1,2\n\\.\n", "1,2\n"),
        ("COPY t FROM STDIN;\r\n1\r\n\\.\r\n", "1\r\n"),
        ("COPY t FROM stdin;\n1\n\\.", "1\n"),
        ("COPY t FROM stdin;\nnever closed\n", "never closed\n"),
        ("/* one */ COPY t FROM stdin;\n\\.\n", ""),
    ],
)
def test_copy_data_ends_at_its_terminator(text: str, data: str) -> None:
    assert chunks(text)[0].data == data


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'COPY t FROM stdin;';\n1\n",
        "DO $$ BEGIN PERFORM 'COPY t FROM stdin;'; END $$;\n",
        "-- COPY t FROM stdin;\n\n",
    ],
)
def test_text_resembling_copy_has_no_data(text: str) -> None:
    assert all(chunk.data is None for chunk in chunks(text))


@pytest.mark.parametrize("command", ["\\connect other", "\\i more.sql", "\\! rm file", "SELECT 1 \\gexec"])
def test_other_psql_commands_are_refused_with_their_line(command: str) -> None:
    text = f"SELECT 1;\n\n{command}\n"
    with pytest.raises(UnknownCommand, match=r"is a command of psql and not SQL") as failure:
        chunks(text)
    assert text[failure.value.at] == "\\"
