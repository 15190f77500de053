"""The login for test runners: frameworks make and drop their own databases with it, and it sees no other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration import client_venv
from tests.integration.conftest import Project
from tests.integration.postgres.test_postgres import connect

pytestmark = pytest.mark.integration

DJANGO = ("django>=5,<6", "psycopg[binary]>=3.2,<4", "pytest-django>=4.9,<5", "pytest-xdist>=3.6")

SETTINGS = """
import os
from urllib.parse import urlsplit
url = urlsplit(os.environ["DATABASE_TEST_URL"])
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:],
    "HOST": url.hostname, "PORT": url.port, "USER": url.username, "PASSWORD": url.password,
}}
"""
MODELS = "from django.db import models\n\nclass Fruit(models.Model):\n    name = models.CharField(max_length=20)\n"
TESTS = """
from django.db import connection
from django.test import TestCase
from settings import url
from shop.models import Fruit

class FruitTest(TestCase):
    def test_it_is_kept(self):
        Fruit.objects.create(name="apple")
        assert Fruit.objects.count() == 1

class PlaceTest(TestCase):
    def test_the_database_has_the_test_prefix(self):
        assert connection.settings_dict["NAME"].startswith("test_" + url.path[1:])
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A Django project with one model, which knows nothing but the env file's variables."""
    (tmp_path / "settings.py").write_text(SETTINGS)
    app = tmp_path / "shop"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS)
    (app / "tests.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = settings\npython_files = tests.py\npythonpath = .\n"
    )
    return tmp_path


@pytest.fixture
def tester(variables: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with connect(variables, "DATABASE_TEST_URL") as connection:
        yield connection


def databases(connection: psycopg.Connection[Any]) -> set[str]:
    return {row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()}


@pytest.mark.parametrize("options", [(), ("--keepdb",), ("--parallel", "2")], ids=["plain", "keepdb", "parallel"])
def test_the_django_test_runner_works(
    variables: Mapping[str, str], site: Path, tester: psycopg.Connection[Any], options: tuple[str, ...]
) -> None:
    python = client_venv.python(*DJANGO)
    environment = {**variables, "DJANGO_SETTINGS_MODULE": "settings"}
    for _ in range(2):
        client_venv.command([str(python), "-m", "django", "test", *options], environment, folder=site)
    left = {name for name in databases(tester) if name.startswith("test_")}
    assert left == ({"test_nexus_test"} if "--keepdb" in options else set())
    for name in left:
        tester.execute(f"DROP DATABASE {name}")


def test_pytest_django_works_with_a_database_per_worker(
    variables: Mapping[str, str], site: Path, tester: psycopg.Connection[Any]
) -> None:
    python = client_venv.python(*DJANGO)
    out = client_venv.command([str(python), "-m", "pytest", "-q", "-n", "2"], variables, folder=site)
    assert "2 passed" in out
    assert not any(name.startswith("test_") for name in databases(tester))


def test_a_database_of_any_name_can_be_created_used_and_dropped(
    variables: Mapping[str, str], tester: psycopg.Connection[Any]
) -> None:
    """As Prisma's shadow database, Rails and createdb do it, each from the database that it likes to begin in."""
    for begin in ("nexus_test", "postgres", "template1"):
        name = f"prisma_migrate_shadow_db_{secrets.token_hex(4)}"
        with connect(variables, "DATABASE_TEST_URL", dbname=begin) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        with connect(variables, "DATABASE_TEST_URL", dbname=name) as inside:
            inside.execute("CREATE TABLE fruit (name text)")
            inside.execute("CREATE EXTENSION citext")
            inside.execute("CREATE EXTENSION vector")
        tester.execute(f'DROP DATABASE "{name}"')


def test_its_own_database_can_be_recreated(project: Project, variables: Mapping[str, str]) -> None:
    """As Rails does before each run; seeding makes one that is missing."""
    with connect(variables, "DATABASE_TEST_URL", dbname="postgres") as connection:
        connection.execute("DROP DATABASE nexus_test")
        connection.execute("CREATE DATABASE nexus_test")
        connection.execute("DROP DATABASE nexus_test")
    assert project.run("env").code == 0
    assert project.run("seed", "postgres").code == 0
    connect(variables, "DATABASE_TEST_URL").close()


def test_the_test_login_sees_no_other_database(variables: Mapping[str, str], tester: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(variables, "DATABASE_TEST_URL", dbname="nexus_architect")
    for refused in (
        "CREATE ROLE mine",
        "CREATE DATABASE mine TEMPLATE nexus_architect",
        "DROP DATABASE nexus_architect",
        "ALTER DATABASE nexus_architect CONNECTION LIMIT 0",
        "GRANT nexus_app TO nexus_test",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "ALTER SYSTEM SET work_mem = '1MB'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tester.execute(refused)
    with connect(variables, "DATABASE_TEST_URL", dbname="postgres") as maintenance:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            maintenance.execute("CREATE TABLE mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            maintenance.execute("SELECT pgbouncer.get_auth('nexus_app')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            maintenance.execute("DELETE FROM nexusdev.instance")
        others = maintenance.execute(
            "SELECT query FROM pg_stat_activity WHERE usename <> 'nexus_test' AND query NOT IN ('', '<insufficient privilege>')"
        )
        assert others.fetchall() == []
