"""Seed files that pg_dump wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration import engine
from tests.integration.conftest import Project
from tests.integration.postgres.test_postgres import connect

pytestmark = pytest.mark.integration

LOGIN = {
    "PGHOST": "postgresql-primary",
    "PGUSER": "nexus_owner",
    "PGDATABASE": "nexus_architect",
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "/run/tls/ca.crt",
    "PGPASSFILE": "/run/secrets/postgres-pgpass",
}


def test_a_dump_is_applied_like_psql(project: Project, variables: Mapping[str, str], seed_folder: Path) -> None:
    folder = seed_folder / "postgres"
    folder.mkdir()
    with connect(variables, "DATABASE_MIGRATION_URL") as owner:
        owner.execute("CREATE TABLE parcels (id serial PRIMARY KEY, note text, born date)")
        for note in ("a\tb; 'c'", None, "\\N", "\\.", "two\nlines"):
            owner.execute("INSERT INTO parcels (note) VALUES (%s)", [note])
        before = owner.execute("SELECT * FROM parcels ORDER BY id").fetchall()
        argv = ["pg_dump", "--no-owner", "--no-privileges", "-t", "parcels"]
        dump = engine.container(project, "postgresql-0").exec_run(argv, environment=LOGIN)
        assert dump.exit_code == 0, dump.output
        assert b"\n\\restrict " in dump.output
        assert b"COPY public.parcels" in dump.output
        owner.execute("DROP TABLE parcels")
        try:
            (folder / "003-dump.sql").write_bytes(dump.output)
            # the dump empties search_path
            (folder / "004-after.sql").write_text("SELECT count(*) FROM parcels;\n")
            ran = project.run("seed", "postgres")
            assert ran.code == 0, ran.err
            assert owner.execute("SELECT * FROM parcels ORDER BY id").fetchall() == before
            assert owner.execute("SELECT nextval('parcels_id_seq')").fetchone() == (6,)
        finally:
            owner.execute("DROP TABLE IF EXISTS parcels")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("CREATE TEMP TABLE n (n int);\nCOPY n FROM stdin;\n1\ntwo\n\\.\n", 4, "invalid input syntax"),
        ("SELECT 1;\n\nCOPY nowhere FROM stdin;\n1\n\\.\n", 3, 'relation "nowhere" does not exist'),
        ("CREATE TEMP TABLE n (n int);\nCOPY n FROM stdin;\n1\n\\.\n\nSELECT 1;\nSELECT wrong;\n", 7, "does not exist"),
        ("SELECT 1;\n\\connect other\n", 2, "\\connect is a command of psql and not SQL"),
    ],
)
def test_an_error_is_reported_with_its_line(
    project: Project, seed_folder: Path, text: str, line: int, words: str
) -> None:
    (seed_folder / "postgres").mkdir()
    (seed_folder / "postgres" / "005-data.sql").write_text(text)
    ran = project.run("seed", "postgres")
    assert ran.code == 15
    assert f"seed/postgres/005-data.sql, line {line}: " in ran.err
    assert words in ran.err
