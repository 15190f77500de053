"""Logins that Vault issues for a while: what they may do, where they work, and that they end everywhere when they are revoked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hvac
import psycopg
import pytest

from tests.integration import application as app
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration
URLS = ("DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL")
ROOT = Path(__file__).parents[3]
TABLE = "dynamic_login_probe"


@pytest.fixture
def values(project: Project) -> Mapping[str, str]:
    """The variables as they are now: another test may have rotated them."""
    found: dict[str, str] = json.loads(project.run("env", "--format", "json").out)
    return found


@pytest.fixture
def vault(values: Mapping[str, str]) -> Any:
    """hvac as an application uses it."""
    return app.vault_client(values)


@pytest.fixture
def migrations(project: Project, values: Mapping[str, str]) -> Any:
    """hvac as a migration job uses it: logged in by its AppRole."""
    kept = {
        kind: project.run("secrets", "show", f"vault-migrations-{kind}-id").out.strip() for kind in ("role", "secret")
    }
    client = hvac.Client(url=values["VAULT_ADDR"], verify=values["VAULT_CACERT"])
    client.auth.approle.login(role_id=kept["role"], secret_id=kept["secret"])
    return client


@pytest.fixture
def table(values: Mapping[str, str]) -> Iterator[str]:
    """A table of the owner with one row, as a migration makes it."""
    with psycopg.connect(
        values["DATABASE_MIGRATION_URL"], sslrootcert=values["PGSSLROOTCERT"], autocommit=True
    ) as owner:
        owner.execute(f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (value int); INSERT INTO {TABLE} VALUES (1)")
        yield TABLE
        owner.execute(f"DROP TABLE {TABLE}")


@contextmanager
def issued(client: Any, role: str) -> Iterator[dict[str, str]]:
    """A login of a role: user, password and lease. It is revoked at the end."""
    answer = client.secrets.database.generate_credentials(name=role)
    try:
        yield {**answer["data"], "lease": answer["lease_id"]}
    finally:
        client.sys.revoke_lease(answer["lease_id"])


def connect(values: Mapping[str, str], url: str, login: Mapping[str, str]) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection by a published path with another login."""
    parameters = psycopg.conninfo.conninfo_to_dict(values[url])
    parameters |= {"user": login["username"], "password": login["password"], "sslrootcert": values["PGSSLROOTCERT"]}
    return psycopg.connect(**parameters, autocommit=True, connect_timeout=10)  # type: ignore[arg-type]


def eventually(check: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.2)
    return False


def refused(values: Mapping[str, str], url: str, login: Mapping[str, str]) -> bool:
    try:
        connect(values, url, login).close()
    except psycopg.OperationalError:
        return True
    return False


def test_an_applications_login_works_on_the_primary_the_replicas_and_the_pool(
    values: Mapping[str, str], vault: Any, table: str
) -> None:
    with issued(vault, "nexus-app") as login:
        for url in URLS:
            assert eventually(lambda url=url: not refused(values, url, login)), url  # type: ignore[misc]
            with connect(values, url, login) as connection:
                assert connection.execute("SELECT session_user").fetchone() == (login["username"],)
                assert connection.execute(f"SELECT value FROM {table}").fetchone() == (1,)


def test_an_applications_login_writes_rows_and_creates_no_tables(
    values: Mapping[str, str], vault: Any, table: str
) -> None:
    with issued(vault, "nexus-app") as login, connect(values, "DATABASE_URL", login) as connection:
        connection.execute(f"INSERT INTO {table} VALUES (2)")
        for statement in (
            "CREATE TABLE mine (a int)",
            f"DROP TABLE {table}",
            "CREATE ROLE other",
            "SET ROLE nexus_owner",
            "SET ROLE nexus_app",
            "ALTER ROLE nexus_app PASSWORD 'stolen'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_login_that_only_reads_cannot_write(values: Mapping[str, str], vault: Any, table: str) -> None:
    with issued(vault, "nexus-readonly") as login, connect(values, "DATABASE_URL", login) as connection:
        assert connection.execute(f"SELECT value FROM {table}").fetchone() == (1,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(f"INSERT INTO {table} VALUES (2)")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"INSERT INTO {table} VALUES (2)")


def test_what_a_login_for_migrations_creates_belongs_to_the_owner_and_remains(
    values: Mapping[str, str], vault: Any, migrations: Any
) -> None:
    with issued(migrations, "nexus-migrate") as login, connect(values, "DATABASE_URL", login) as connection:
        connection.execute("DROP TABLE IF EXISTS migrated; CREATE TABLE migrated (value int)")
        connection.execute("RESET ROLE")
        connection.execute("SET ROLE nexus_owner")
        connection.execute("INSERT INTO migrated VALUES (3)")
    try:
        with issued(vault, "nexus-app") as other, connect(values, "DATABASE_URL", other) as connection:
            assert connection.execute("SELECT value FROM migrated").fetchone() == (3,)
            owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'migrated'").fetchone()
            assert owner == ("nexus_owner",)
    finally:
        with psycopg.connect(values["DATABASE_MIGRATION_URL"], sslrootcert=values["PGSSLROOTCERT"]) as connection:
            connection.execute("DROP TABLE migrated")


def test_a_revoked_login_is_gone_everywhere_and_its_sessions_end(
    values: Mapping[str, str], vault: Any, table: str
) -> None:
    with issued(vault, "nexus-app") as login:
        assert all(eventually(lambda url=url: not refused(values, url, login)) for url in URLS)  # type: ignore[misc]
        sessions = {url: connect(values, url, login) for url in URLS}
        for session in sessions.values():
            session.execute("SELECT 1")
        sessions["DATABASE_URL"].execute("CREATE TEMPORARY TABLE scratch (a int)")
    try:
        for url in URLS:
            assert eventually(lambda url=url: refused(values, url, login)), url  # type: ignore[misc]
        for url, session in sessions.items():
            assert eventually(lambda session=session: _reads_nothing(session, table)), url  # type: ignore[misc]
    finally:
        for session in sessions.values():
            session.close()


def _reads_nothing(session: psycopg.Connection[tuple[Any, ...]], table: str) -> bool:
    try:
        session.execute(f"SELECT value FROM {table}")
    except psycopg.Error:
        return True
    return False


@pytest.mark.parametrize("role", ["nexus-app", "nexus-readonly", "nexus-migrate"])
def test_each_consumer_asks_only_for_its_own_logins(vault: Any, migrations: Any, role: str) -> None:
    owner, other = (migrations, vault) if role == "nexus-migrate" else (vault, migrations)
    with issued(owner, role) as login:
        assert login["username"].startswith("v-")
    with pytest.raises(hvac.exceptions.Forbidden):
        other.secrets.database.generate_credentials(name=role)


def test_the_operator_manages_the_roles_and_gets_no_logins(project: Project) -> None:
    listed = project.run("vault", "--", "--operator", "list", "database/roles")
    assert "nexus-app" in listed.out, listed.err
    assert project.run("vault", "--", "--operator", "read", "database/creds/nexus-app").code != 0


def test_nobody_knows_the_password_of_vaults_own_login(project: Project, values: Mapping[str, str]) -> None:
    secrets = [each["name"] for each in project.run("secrets", "list", "--json").data["secrets"]]
    for name in secrets:
        password = project.run("secrets", "show", name).out.strip()
        if password and "\n" not in password:
            assert refused(values, "DATABASE_URL", {"username": "nexus_vault", "password": password}), name
    assert len(secrets) > 10


def test_the_application_encrypts_and_decrypts_with_a_key_that_it_cannot_read(vault: Any) -> None:
    transit = vault.secrets.transit
    first = transit.encrypt_data(name="nexus-app", plaintext="c2VjcmV0")["data"]["ciphertext"]
    transit.rotate_key(name="nexus-app")
    second = transit.rewrap_data(name="nexus-app", ciphertext=first)["data"]["ciphertext"]
    assert first.split(":")[1] != second.split(":")[1]
    for ciphertext in (first, second):
        assert transit.decrypt_data(name="nexus-app", ciphertext=ciphertext)["data"]["plaintext"] == "c2VjcmV0"
    with pytest.raises(hvac.exceptions.Forbidden):
        transit.export_key(name="nexus-app", key_type="encryption-key")


def roles_of(project: Project) -> set[str]:
    """The names of the issued logins that exist in PostgreSQL."""
    found = project.run("psql", "--", "-At", "-c", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'")
    assert found.code == 0, found.err
    return set(found.out.split())


def test_the_example_of_the_page_runs_as_it_stands(project: Project) -> None:
    page = (ROOT / "docs" / "credentials.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    ran = project.run("run", "--", sys.executable, "-c", example)
    assert ran.out.startswith("('v-approle-nexus-ap-"), ran.err
    assert ran.out.rstrip().endswith("True)")


REPORT = "import os; print(os.environ['PGUSER']); print(open(os.environ['PGSERVICEFILE']).read())"


def test_run_gives_a_command_its_own_logins_and_revokes_them_at_the_end(project: Project) -> None:
    ran = project.run("run", "--dynamic", "--", sys.executable, "-c", REPORT)
    user = ran.out.split()[0]
    assert user.startswith("v-approle-nexus-ap-")
    assert ran.out.count(f"user={user}\n") == 3
    assert user not in roles_of(project)
    assert ran.code == 0


def test_run_returns_the_exit_code_of_the_command(project: Project) -> None:
    assert project.run("run", "--dynamic", "--", "sh", "-c", "exit 42").code == 42


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_and_its_logins(project: Project, number: signal.Signals) -> None:
    text = "import os, time; print(os.environ['PGUSER'], flush=True); time.sleep(60)"
    running = subprocess.Popen(
        project.argv("run", "--dynamic", "--", sys.executable, "-c", text),
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stdout is not None
    user = running.stdout.readline().decode().strip()
    assert user in roles_of(project)
    os.kill(running.pid, number)
    assert running.wait(30) != 0
    assert user not in roles_of(project)


def test_env_prints_logins_that_expire_and_leaves_the_env_file_alone(
    project: Project, values: Mapping[str, str]
) -> None:
    ran = project.run("env", "--dynamic", "--format", "json")
    found = json.loads(ran.out)
    assert "expire in" in ran.err
    assert found["PGUSER"].startswith("v-approle-")
    assert {*values} - {*found} == {"PGSERVICEFILE", "JDBC_DATABASE_URL", "SPRING_DATASOURCE_URL"}
    with psycopg.connect(found["DATABASE_URL"], sslrootcert=found["PGSSLROOTCERT"]) as connection:
        expires = connection.execute(
            "SELECT rolvaliduntil - now() FROM pg_roles WHERE rolname = session_user"
        ).fetchone()
    assert expires is not None
    assert 3000 < expires[0].total_seconds() < 4000
    assert found["PGUSER"] not in (project.folder / ".env.nexusdev").read_text()


def test_a_database_that_forgot_vaults_password_gets_a_new_one_by_seeding(project: Project, vault: Any) -> None:
    reset = project.run("psql", "--", "-U", "postgres", "-c", "ALTER ROLE nexus_vault PASSWORD NULL")
    assert reset.code == 0, reset.err
    with pytest.raises(hvac.exceptions.VaultError):
        vault.secrets.database.generate_credentials(name="nexus-app")
    seeded = project.run("seed", "--json")
    assert seeded.data["changes"]["vault"] == ["connected Vault to postgres"]
    with issued(vault, "nexus-app") as login:
        assert login["username"]


def test_a_login_survives_a_failover_and_new_ones_are_issued_after_it(
    project: Project, values: Mapping[str, str], vault: Any, heal: None
) -> None:
    with issued(vault, "nexus-app") as login:
        before = primary_of(project)
        assert project.run("restart", before).code == 0
        assert primary_of(project) != before
        assert eventually(lambda: not refused(values, "DATABASE_URL", login), seconds=60)
        with issued(vault, "nexus-app") as other:
            assert eventually(lambda: not refused(values, "DATABASE_URL", other), seconds=60)


def primary_of(project: Project) -> str:
    nodes = project.run("status", "--json").data["nodes"]
    return next(str(each["service"]) for each in nodes if each["role"] == "primary")
