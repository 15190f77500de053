"""PostgreSQL as it really runs: who may do what, what is encrypted and audited, and what a lost volume costs."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def connect(variables: Mapping[str, str], url: str = "DATABASE_URL", **changed: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(
        variables[url], sslrootcert=variables["PGSSLROOTCERT"], autocommit=True, connect_timeout=5, **changed
    )


@pytest.fixture
def owner(variables: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """The migration owner, as a tool for migrations comes."""
    with connect(variables, "DATABASE_MIGRATION_URL") as connection:
        yield connection


def test_the_application_uses_tables_of_the_owner_and_creates_none(
    variables: Mapping[str, str], owner: psycopg.Connection[Any]
) -> None:
    owner.execute("CREATE TABLE IF NOT EXISTS orders (id bigint GENERATED ALWAYS AS IDENTITY, item text)")
    with connect(variables) as application:
        application.execute("INSERT INTO orders (item) VALUES ('apple')")
        application.execute("UPDATE orders SET item = 'pear'")
        application.execute("DELETE FROM orders")
        for refused in ("CREATE TABLE mine (id int)", "DROP TABLE orders", "CREATE DATABASE mine", "CREATE ROLE mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(refused)
    owner.execute("DROP TABLE orders")


def test_the_application_may_use_new_schemas_of_the_owner(
    variables: Mapping[str, str], owner: psycopg.Connection[Any]
) -> None:
    owner.execute("CREATE SCHEMA IF NOT EXISTS shop")
    owner.execute("CREATE TABLE IF NOT EXISTS shop.basket (id serial)")
    with connect(variables) as application:
        inserted = application.execute("INSERT INTO shop.basket DEFAULT VALUES RETURNING id")
        assert inserted.fetchone() is not None
    owner.execute("DROP SCHEMA shop CASCADE")


def test_the_extensions_are_installed(variables: Mapping[str, str]) -> None:
    with connect(variables) as application:
        found = {row[0] for row in application.execute("SELECT extname FROM pg_extension").fetchall()}
        assert {"pg_stat_statements", "pgcrypto", "uuid-ossp", "pgaudit"} <= found
        assert application.execute("SELECT length(gen_salt('bf')), length(uuid_generate_v4()::text)").fetchone()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("pgaudit.log", "ddl, role"),
        ("wal_level", "logical"),
        ("max_slot_wal_keep_size", "1GB"),
    ],
)
def test_the_server_has_production_settings(variables: Mapping[str, str], setting: str, value: str) -> None:
    with connect(variables) as application:
        assert application.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


@pytest.mark.parametrize("url", ["DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL"])
def test_tls_below_1_3_is_refused(variables: Mapping[str, str], url: str) -> None:
    connect(variables, url, ssl_min_protocol_version="TLSv1.3").close()
    with pytest.raises(psycopg.OperationalError, match=r"SSL error|protocol version"):
        connect(variables, url, ssl_max_protocol_version="TLSv1.2")


def test_both_replicas_are_in_the_quorum(project: Project) -> None:
    rows = {row["service"]: row for row in project.run("status", "--json").data["nodes"]}
    servers = [rows[f"postgresql-{number}"] for number in range(3)]
    assert sorted(row["role"] for row in servers) == ["primary", "replica", "replica"]
    assert sum("in the quorum" in row["detail"] for row in servers) == 2
    assert all(row["ok"] for row in servers)
    assert [rows[f"etcd-{number}"]["role"] for number in range(3)].count("leader") == 1


def test_ddl_is_audited_without_passwords(project: Project, owner: psycopg.Connection[Any]) -> None:
    owner.execute("CREATE TABLE audited (id int)")
    owner.execute("DROP TABLE audited")
    primary = engine.node_with_role(project, "primary")
    output = engine.container(project, primary).logs(tail=500).decode()
    assert "AUDIT: SESSION" in output
    assert "CREATE TABLE audited" in output


def test_the_pool_supports_prepared_statements_and_the_read_only_database(variables: Mapping[str, str]) -> None:
    with connect(variables, "DATABASE_POOL_URL", prepare_threshold=0) as pooled:
        for _ in range(10):
            assert pooled.execute("SELECT %s::int", [7]).fetchone() == (7,)
    with connect(variables, "DATABASE_POOL_URL", dbname="nexus_architect_ro") as reader:
        assert reader.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def test_patroni_requires_a_certificate_and_a_password(project: Project, variables: Mapping[str, str]) -> None:
    port = project.port("postgresql-0", 8008)
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    request = urllib.request.Request(f"https://localhost:{port}/config", data=b'{"ttl": 30}', method="PATCH")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=trust, timeout=5)
    assert refused.value.code == 403
    assert b"client certificate required" in refused.value.read()


def test_a_projects_sql_is_applied_once_and_again_when_it_changes(
    project: Project, variables: Mapping[str, str], seed_folder: Path
) -> None:
    file = seed_folder / "postgres" / "001-fruit.sql"
    file.parent.mkdir()
    file.write_text("CREATE TABLE IF NOT EXISTS fruit (name text);\nINSERT INTO fruit VALUES ('apple');\n")
    assert "applied postgres/001-fruit.sql" in json.dumps(project.run("seed", "--json").data)
    assert "001-fruit" not in json.dumps(project.run("seed", "--json").data)
    with file.open("a") as more:
        more.write("INSERT INTO fruit VALUES ('pear');\n")
    assert "because it changed" in json.dumps(project.run("seed", "--json").data)
    with connect(variables) as application:
        assert application.execute("SELECT count(*) FROM fruit").fetchone() == (3,)


def test_an_error_in_project_sql_is_reported_with_file_line_and_sqlstate(project: Project, seed_folder: Path) -> None:
    (seed_folder / "postgres").mkdir()
    (seed_folder / "postgres" / "002-wrong.sql").write_text("SELECT 1;\n\nINSERT INTO nowhere VALUES (1);\n")
    ran = project.run("seed")
    assert ran.code == 15
    assert "seed/postgres/002-wrong.sql, line 3" in ran.err
    assert "42P01" in ran.err


@pytest.mark.usefixtures("heal")
@pytest.mark.parametrize("service", ["etcd-1", "postgresql-1"])
def test_a_member_without_its_volume_is_cloned_from_the_others(
    project: Project, variables: Mapping[str, str], service: str
) -> None:
    container = engine.container(project, service)
    volume = next(mount["Name"] for mount in container.attrs["Mounts"] if mount["Type"] == "volume")
    container.remove(force=True)
    engine.client().volumes.get(volume).remove()
    project.up("--recreate-volumes")
    row = next(row for row in project.run("status", "--json").data["nodes"] if row["service"] == service)
    assert row["ok"], row
    with connect(variables) as application:
        assert application.execute("SELECT count(*) FROM nexusdev.instance").fetchone() == (1,)
