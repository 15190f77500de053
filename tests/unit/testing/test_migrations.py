"""Migrations: recognized by what is there, and with a hash that changes whenever they do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev.testing.migrations import MigrationFailed, Migrations, recognize, together

URL = {"DATABASE_URL": "postgresql://host/db", "PGSSLROOTCERT": "ca.crt"}


def a_function(url: str) -> None:
    assert os.environ["PGSSLROOTCERT"] == "ca.crt"
    raise ValueError(f"no table at {url}")


def test_a_folder_of_sql_files_changes_its_hash_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("SELECT 1")
    first = recognize(".", tmp_path).digest
    assert recognize(".", tmp_path).digest == first
    (tmp_path / "2.sql").write_text("SELECT 2")
    second = recognize(".", tmp_path).digest
    (tmp_path / "2.sql").write_text("SELECT 3")
    assert len({first, second, recognize(".", tmp_path).digest}) == 3


def test_two_checkouts_with_the_same_files_have_the_same_hash(tmp_path: Path) -> None:
    for checkout in ("one", "two"):
        (tmp_path / checkout / "db").mkdir(parents=True)
        (tmp_path / checkout / "db" / "1.sql").write_text("SELECT 1")
        (tmp_path / checkout / "manage.py").touch()
    for given in ("db", "manage.py"):
        assert recognize(given, tmp_path / "one").digest == recognize(given, tmp_path / "two").digest


def test_a_program_runs_in_its_folder_and_its_failure_has_the_last_lines(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text(
        "import os, sys, pathlib\n"
        "pathlib.Path('ran').write_text(' '.join([*sys.argv[1:], os.environ['DATABASE_URL']]))\n"
        "sys.exit('no such table' if pathlib.Path('fail').exists() else 0)\n"
    )
    migrations = recognize("manage.py", tmp_path)
    migrations.run(URL)
    assert (tmp_path / "ran").read_text() == "migrate --noinput postgresql://host/db"
    (tmp_path / "fail").touch()
    with pytest.raises(MigrationFailed, match="exit code 1:\nno such table"):
        migrations.run(URL)


def test_the_django_hash_covers_the_files_of_all_apps(tmp_path: Path) -> None:
    (tmp_path / "manage.py").touch()
    first = recognize("manage.py", tmp_path).digest
    (tmp_path / "shop" / "migrations").mkdir(parents=True)
    (tmp_path / "shop" / "migrations" / "0001_initial.py").touch()
    assert recognize("manage.py", tmp_path).digest != first


def test_the_alembic_hash_covers_the_files_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/db\n")
    first = recognize("alembic.ini", tmp_path).digest
    (tmp_path / "db" / "versions").mkdir(parents=True)
    (tmp_path / "db" / "versions" / "1.py").touch()
    assert recognize("alembic.ini", tmp_path).digest != first


def test_a_function_gets_the_url_and_its_error_is_reported(tmp_path: Path) -> None:
    for given in (a_function, f"{__name__}:a_function"):
        with pytest.raises(MigrationFailed, match="ValueError: no table at postgresql://host/db"):
            recognize(given, tmp_path).run(URL)
        assert "PGSSLROOTCERT" not in os.environ


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which modules are imported. They are forgotten after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [each for each in sys.modules if each.startswith("shop_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("module", "models"),
    [("shop_package.db.tables", "shop_package/models.py"), ("shop_module", "shop_models.py")],
    ids=["in a package", "in no package"],
)
def test_the_hash_of_a_function_has_the_other_modules_that_it_may_use(shop: Path, module: str, models: str) -> None:
    file = shop / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("def create(url):\n    pass\n")
    (shop / models).write_text("columns = 1\n")
    given = f"{module}:create"
    first = recognize(given, shop).digest
    assert recognize(given, shop).digest == first
    (shop / models).write_text("columns = 2\n")
    assert recognize(given, shop).digest != first


@pytest.mark.parametrize("folder", [".tox/lib", "env/lib", "node_modules/gyp"])
def test_the_hash_of_a_function_ignores_installed_packages(shop: Path, folder: str) -> None:
    (shop / "shop_package" / folder).mkdir(parents=True)
    (shop / "shop_package" / "tables.py").write_text("def create(url):\n    pass\n")
    if folder.startswith("env"):
        (shop / "shop_package" / "env" / "pyvenv.cfg").touch()
    first = recognize("shop_package.tables:create", shop).digest
    (shop / "shop_package" / folder / "installed.py").touch()
    (shop / "shop_package" / ".#tables.py").symlink_to("user@host.1")  # Emacs edits the file
    assert recognize("shop_package.tables:create", shop).digest == first


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nothing", "no migrations at"),
        ("empty", "no .sql files in"),
        ("no_such_module:function", "cannot be imported"),
        ("sys:no_such_function", "cannot be imported"),
        ("sys:path", "is not a function"),
        (7, "must be a path or a function"),
    ],
)
def test_an_unsupported_migrations_value_is_refused(tmp_path: Path, given: object, says: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MigrationFailed, match=says):
        recognize(given, tmp_path)


def test_seed_data_follows_the_migrations_and_is_part_of_the_hash() -> None:
    ran: list[str] = []
    migrations = Migrations(title="tables", digest="a", run=lambda _: ran.append("migrations"))
    seeds = [Migrations(title="rows", digest=digest, run=lambda _: ran.append("seed")) for digest in ("b", "c")]
    both = together(migrations, seeds[0])
    both.run(URL)
    assert ran == ["migrations", "seed"]
    assert len({migrations.digest, both.digest, together(migrations, seeds[1]).digest}) == 3
    assert together(None, seeds[0]) == seeds[0]


def test_one_sql_file_is_recognized(tmp_path: Path) -> None:
    (tmp_path / "rows.sql").write_text("SELECT 1")
    (tmp_path / "other.sql").write_text("SELECT 2")
    first = recognize("rows.sql", tmp_path)
    assert first.title == str(tmp_path / "rows.sql")
    (tmp_path / "other.sql").write_text("SELECT 3")
    assert recognize("rows.sql", tmp_path).digest == first.digest
