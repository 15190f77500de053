"""docs/pytest.md, run as it stands: its suites pass in an environment of their own that has this tree's wheel and the real frameworks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import nexusdev
from tests import pages
from tests.integration import client_venv
from tests.integration.conftest import Project
from tests.integration.test_pytest_plugin import no_templates_left, nothing_left, stack

pytestmark = [pytest.mark.integration, pytest.mark.long]
__all__ = ["no_templates_left", "nothing_left", "stack"]

PAGE = Path(__file__).parents[2] / "docs" / "pytest.md"
FRAMEWORKS = (
    *("pytest-xdist>=3.6", "fastapi>=0.115", "httpx>=0.27", "sqlalchemy[asyncio]>=2", "asyncpg", "alembic>=1.14"),
    *("django>=5,<6", "pytest-django>=4.9,<5", "celery[redis]>=5.4,<6"),
)
#: Folder of the page → how many of its tests pass.
SUITES = {"start": 1, "fastapi": 3, "sqlalchemy": 4, "django": 5, "celery": 1, "unittest": 1}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return client_venv.own_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def interpreter(wheel: Path) -> Path:
    return client_venv.with_wheel(wheel, *FRAMEWORKS)


@pytest.fixture(scope="module")
def files() -> Mapping[str, str]:
    return pages.read(PAGE.read_text(encoding="utf-8")).files


def written(files: Mapping[str, str], name: str, top: Path) -> Path:
    """Write the files of one suite of the page into a folder."""
    folder = top / name
    for each, text in files.items():
        if each.startswith(f"{name}/"):
            path = top / each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for package in {path.parent for path in folder.glob("fruits/**/*.py")}:
        (package / "__init__.py").touch()
    if not (folder / "pytest.ini").exists():
        (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


@pytest.fixture
def developer(project: Project, stack: nexusdev.StackHandle, interpreter: Path) -> Callable[..., str]:
    """Runs pytest in a folder, as a developer of that project does."""

    def passed(folder: Path, *options: str) -> str:
        argv = [str(interpreter), "-m", "pytest", "-q", "--nexus-instance", stack.instance, *options]
        return client_venv.command(argv, project.environment, folder=folder, seconds=240)

    return passed


def test_every_suite_of_the_page_is_run(files: Mapping[str, str]) -> None:
    assert {name.partition("/")[0] for name in files} == set(SUITES)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_of_the_page_passes_and_leaves_nothing(
    developer: Callable[..., str],
    files: Mapping[str, str],
    nothing_left: Callable[[], list[str]],
    tmp_path: Path,
    name: str,
) -> None:
    folder = written(files, name, tmp_path)
    assert f"{SUITES[name]} passed" in developer(folder)
    assert nothing_left() == []


@pytest.mark.parametrize("name", ["fastapi", "sqlalchemy", "django"])
def test_a_suite_of_the_page_passes_in_two_workers(
    developer: Callable[..., str],
    files: Mapping[str, str],
    nothing_left: Callable[[], list[str]],
    tmp_path: Path,
    name: str,
) -> None:
    folder = written(files, name, tmp_path)
    assert f"{SUITES[name]} passed" in developer(folder, "-n", "2")
    assert nothing_left() == []


STRANGER = """
from sqlalchemy import text

def test_x(nexus_pg, nexus_redis):
    with nexus_pg.engine().begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    assert nexus_redis.client().ping()
"""


def test_a_stranger_needs_no_conftest(project: Project, interpreter: Path) -> None:
    """One file in the folder of the project whose instance runs, and no option."""
    folder = project.folder / "stranger"
    folder.mkdir()
    try:
        (folder / "test_x.py").write_text(STRANGER)
        argv = [str(interpreter), "-m", "pytest", "-q", "--rootdir", str(project.folder), "stranger/test_x.py"]
        assert "1 passed" in client_venv.command(argv, project.environment, folder=project.folder)
    finally:
        shutil.rmtree(folder)
