"""What development needs of the database beyond reading and writing rows: TRUNCATE, sequences, extensions, and a pool that heals."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest

from tests.integration import application as app
from tests.integration import client_venv
from tests.integration.postgres.test_postgres import connect

pytestmark = pytest.mark.integration


def test_the_application_may_truncate_and_set_sequences_but_not_alter_them(
    variables: Mapping[str, str],
) -> None:
    with connect(variables, "DATABASE_MIGRATION_URL") as owner, connect(variables) as application:
        owner.execute("DROP TABLE IF EXISTS basket; CREATE TABLE basket (id serial PRIMARY KEY, item text)")
        try:
            application.execute("INSERT INTO basket (item) VALUES ('apple')")
            application.execute("TRUNCATE basket")
            application.execute("SELECT setval('basket_id_seq', 41)")
            assert application.execute("INSERT INTO basket DEFAULT VALUES RETURNING id").fetchone() == (42,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute("TRUNCATE basket RESTART IDENTITY")
        finally:
            owner.execute("DROP TABLE basket")


@pytest.mark.parametrize("name", ["vector", "hypopg", "pg_partman", "pg_trgm", "citext", "hstore", "unaccent"])
def test_the_owner_may_create_common_extensions(variables: Mapping[str, str], name: str) -> None:
    with connect(variables, "DATABASE_MIGRATION_URL") as owner:
        owner.execute(f"CREATE EXTENSION {name}")
        owner.execute(f"DROP EXTENSION {name}")


def test_the_owner_may_schedule_jobs_in_the_application_database(variables: Mapping[str, str]) -> None:
    with connect(variables, "DATABASE_MIGRATION_URL") as owner:
        owner.execute("CREATE TABLE ticks (at timestamptz DEFAULT now())")
        owner.execute("SELECT cron.schedule('tick', '1 second', 'INSERT INTO ticks DEFAULT VALUES')")
        try:
            app.until(
                lambda: owner.execute("SELECT count(*) > 0 FROM ticks").fetchone() == (True,),
                seconds=20,
                what="the job has run",
            )
        finally:
            owner.execute("SELECT cron.unschedule('tick')")
            owner.execute("DROP TABLE ticks")


@pytest.mark.parametrize(
    ("options", "setting", "value"),
    [
        ("-c TimeZone=Asia/Tokyo", "TimeZone", "Asia/Tokyo"),
        ("-c IntervalStyle=iso_8601", "IntervalStyle", "iso_8601"),
        ("-c default_transaction_read_only=on", "default_transaction_read_only", "on"),
    ],
)
def test_the_pool_tracks_the_parameters_that_postgresql_reports(
    variables: Mapping[str, str], options: str, setting: str, value: str
) -> None:
    with (
        connect(variables, "DATABASE_POOL_URL", options=options) as pooled,
        connect(variables, "DATABASE_POOL_URL") as other,
    ):
        for _ in range(5):
            assert other.execute("SELECT current_setting(%s) = %s", [setting, value]).fetchone() == (False,)
            assert pooled.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


@pytest.mark.parametrize("options", ["-c search_path=shop", "-c jit=off", "-c statement_timeout=1000"])
def test_the_pool_refuses_untracked_parameters(variables: Mapping[str, str], options: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        connect(variables, "DATABASE_POOL_URL", options=options)


def test_the_pool_rejects_asyncpg_server_settings_with_an_error(variables: Mapping[str, str], tmp_path: Path) -> None:
    python = client_venv.python("asyncpg>=0.30,<1")
    program = """
        import asyncio, os, ssl
        import asyncpg

        async def value(settings):
            trust = ssl.create_default_context(cafile=os.environ["NEXUSDEV_CA_FILE"])
            url = os.environ["DATABASE_POOL_URL"].partition("?")[0]
            try:
                connection = await asyncpg.connect(url, ssl=trust, server_settings=settings, statement_cache_size=0)
            except asyncpg.PostgresError as error:
                return str(error)
            return await connection.fetchval("SHOW " + next(iter(settings)))

        for settings in ({"jit": "off"}, {"search_path": "s"}, {"application_name": "shop"}, {"timezone": "Asia/Tokyo"}):
            print(asyncio.run(value(settings)))
    """
    jit, search_path, name, zone = client_venv.run(python, dedent(program), variables, folder=tmp_path).splitlines()
    assert jit == "unsupported startup parameter: jit"
    assert search_path == "unsupported startup parameter: search_path"
    assert (name, zone) == ("shop", "Asia/Tokyo")


def test_prepared_statements_of_the_pool_recover_after_a_migration(variables: Mapping[str, str]) -> None:
    with connect(variables, "DATABASE_MIGRATION_URL") as owner, connect(variables, "DATABASE_POOL_URL") as pooled:
        owner.execute("DROP TABLE IF EXISTS parcel; CREATE TABLE parcel (id int); INSERT INTO parcel VALUES (1)")
        try:
            for _ in range(10):
                assert pooled.execute("SELECT * FROM parcel").fetchone() == (1,)
            owner.execute("ALTER TABLE parcel ADD COLUMN weight int")
            began = time.monotonic()
            app.until(lambda: _reads(pooled, (1, None)), seconds=15, what="the new column is read")
            with connect(variables, "DATABASE_POOL_URL") as another:
                assert another.execute("SELECT * FROM parcel", prepare=True).fetchone() == (1, None)
            assert time.monotonic() - began < 15
        finally:
            owner.execute("DROP TABLE parcel")


def _reads(pooled: psycopg.Connection[tuple[object, ...]], row: tuple[object, ...]) -> bool:
    try:
        return pooled.execute("SELECT * FROM parcel").fetchone() == row
    except psycopg.errors.FeatureNotSupported:
        # cached plan must not change result type
        return False


def test_listen_works_on_a_direct_connection_but_not_through_the_pool(variables: Mapping[str, str]) -> None:
    """As the docs say: the pool takes LISTEN, and cannot refuse it."""
    with (
        connect(variables) as direct,
        connect(variables, "DATABASE_POOL_URL") as pooled,
        connect(variables, "DATABASE_POOL_URL") as sender,
    ):
        direct.execute("LISTEN news")
        pooled.execute("LISTEN news")
        sender.execute("NOTIFY news, 'hello'")
        assert [note.payload for note in direct.notifies(timeout=5, stop_after=1)] == ["hello"]
        assert list(pooled.notifies(timeout=1)) == []
