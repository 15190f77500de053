"""Migrations of a test suite: what they are, how they run, and a hash of their content.

Recognized are Alembic (``alembic.ini``), Django (``manage.py``), a folder of SQL files, and any function of a URL.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

Variables: TypeAlias = Mapping[str, str]

_LINES = 15


class MigrationFailed(Exception):
    """The migrations ended with an error; the message says which one."""


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """Migrations that can run on an empty database.

    Attributes:
        title: What they are, for people: ``alembic.ini``.
        digest: Hash of the files that they consist of; of a function, all Python files of its package.
        run: Runs them, given the variables of the database.
    """

    title: str
    digest: str
    run: Callable[[Variables], None]


def recognize(given: object, root: Path) -> Migrations:
    """Return what a marker or the setting ``nexus_migrations`` means.

    Args:
        given: A path, ``package.module:function``, or a function that takes the database's URL.
        root: The folder that paths are relative to.

    Raises:
        MigrationFailed: There is no such file or function.
    """
    if callable(given):
        return _function(given)
    if not isinstance(given, str | os.PathLike):
        raise MigrationFailed(f"migrations must be a path or a function, not {given!r}")
    path = root / given
    if path.is_dir():
        return _sql(path, sorted(path.glob("*.sql")))
    if path.suffix == ".sql" and path.is_file():
        return _sql(path.parent, [path])
    if path.name == "manage.py" and path.is_file():
        return _program(path, "manage.py", "migrate", "--noinput", files=path.parent.rglob("migrations/*.py"))
    if path.suffix == ".ini" and path.is_file():
        return _program(path, "-m", "alembic", "-c", path.name, "upgrade", "head", files=_alembic_files(path))
    if ":" in str(given) and not path.exists():
        return _function(_imported(str(given)))
    raise MigrationFailed(
        f"no migrations at {path}: known are alembic.ini, manage.py, .sql files and folders of them, module:function"
    )


def together(migrations: Migrations | None, seed: Migrations) -> Migrations:
    """Return migrations that are followed by seed data. Both are part of one template."""
    if migrations is None:
        return seed
    digest = hashlib.sha256(f"{migrations.digest} {seed.digest}".encode()).hexdigest()[:12]

    def run(variables: Variables) -> None:
        migrations.run(variables)
        seed.run(variables)

    return Migrations(title=f"{migrations.title} and {seed.title}", digest=digest, run=run)


def _imported(text: str) -> Callable[..., Any]:
    module, _, name = text.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise MigrationFailed(f"migrations {text!r} cannot be imported: {error}") from error
    if not callable(found):
        raise MigrationFailed(f"migrations {text!r} is not a function")
    return found  # type: ignore[no-any-return]  # whatever the project calls its function


def _function(function: Callable[..., Any]) -> Migrations:
    title = f"{function.__module__}:{getattr(function, '__qualname__', function)}"

    def run(variables: Variables) -> None:
        try:
            with _environment(variables):
                function(variables["DATABASE_URL"])
        except Exception as error:
            raise MigrationFailed(f"{title} failed: {type(error).__name__}: {error}") from error

    base, files = _sources(function)
    return Migrations(title=title, digest=_digest(title, base, files), run=run)


def _sources(function: Callable[..., Any]) -> tuple[Path, list[Path]]:
    """Return the files from which a function may take its tables, and the folder that contains them.

    They are all Python files of its top-level package: the models are rarely in the function's own file. If it is in no package, they are those
    of its folder.
    """
    top = sys.modules.get(function.__module__.partition(".")[0])
    folders = [Path(each).resolve() for each in getattr(top, "__path__", ())]
    if folders:
        return folders[0].parent, sorted(file for folder in folders for file in _python_files(folder))
    file = Path(inspect.getsourcefile(function) or __file__).resolve()
    return file.parent, sorted({file, *(each for each in file.parent.glob("*.py") if each.is_file())})


def _python_files(top: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, without those of hidden folders, virtual environments and Node's packages."""
    for place, folders, names in os.walk(top):
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".") and each != "node_modules" and not Path(place, each, "pyvenv.cfg").exists()
        ]
        files = (Path(place, name) for name in names if name.endswith(".py"))
        yield from (each for each in files if each.is_file())  # an editor's lock is a link to nothing


@contextmanager
def _environment(variables: Variables) -> Iterator[None]:
    """Set variables for this process: libpq reads the certificate authority from PGSSLROOTCERT."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _sql(folder: Path, files: list[Path]) -> Migrations:
    if not files:
        raise MigrationFailed(f"no .sql files in {folder}")

    def run(variables: Variables) -> None:
        import psycopg

        with psycopg.connect(variables["DATABASE_URL"], sslrootcert=variables["PGSSLROOTCERT"]) as connection:
            for file in files:
                try:
                    connection.execute(file.read_bytes())
                except psycopg.Error as error:
                    raise MigrationFailed(f"{file} failed: {error}") from error

    title = str(folder if len(files) > 1 else files[0])
    return Migrations(title=title, digest=_digest("sql", folder, files), run=run)


def _program(path: Path, *arguments: str, files: Iterator[Path]) -> Migrations:
    def run(variables: Variables) -> None:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=path.parent,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ran.returncode:
            last = "\n".join(ran.stdout.splitlines()[-_LINES:])
            raise MigrationFailed(f"{path} failed with exit code {ran.returncode}:\n{last}")

    return Migrations(title=str(path), digest=_digest(path.name, path.parent, [path, *sorted(files)]), run=run)


def _alembic_files(ini: Path) -> Iterator[Path]:
    from configparser import ConfigParser

    parser = ConfigParser(interpolation=None)
    parser.read(ini)
    location = parser.get("alembic", "script_location", fallback="alembic").replace("%(here)s", str(ini.parent))
    return (ini.parent / location).rglob("*.py")


def _digest(kind: str, base: Path, files: list[Path]) -> str:
    """Return a hash of the files' names below ``base`` and their contents: that of another checkout is the same."""
    found = hashlib.sha256(kind.encode())
    for file in files:
        content = file.read_bytes()
        found.update(f"\0{os.path.relpath(file, base)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]
