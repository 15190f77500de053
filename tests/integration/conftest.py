"""One real instance for the whole run, made by the real command, and what the tests need to reach it.

The session's instance lives in a folder of its own with a state folder of its own, so that a developer's instances are
never touched. A test that breaks something leaves the instance ready again (``heal``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from tests.engine_needed import require_engine


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that ended, with what a user would read."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The ``data`` member of the JSON envelope."""
        return json.loads(self.out)["data"]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project folder and the environment in which its commands run. ``before``: the words of a command that runs them."""

    folder: Path
    state: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NEXUSDEV_", "PG", "PYTEST_", "VAULT_", "AWS_E"))
        }
        return {**inherited, "CI": "true", "NEXUSDEV_STATE_DIR": str(self.state), "COLUMNS": "100", **self.extra}

    def argv(self, *arguments: str) -> list[str]:
        return [*self.before, sys.executable, "-m", "nexusdev", *arguments]

    def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = 300) -> Ran:
        """``nexusdev ARGUMENTS`` in this folder; never raises for an exit code."""
        ran = subprocess.run(
            self.argv(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Ran(code=ran.returncode, out=ran.stdout.decode(), err=ran.stderr.decode())

    def port(self, service: str, inside: int) -> int:
        """Where the host finds a port of a service's container."""
        rows = self.run("ports", "--json").data["ports"]
        return next(int(row["port"]) for row in rows if (row["service"], row["container_port"]) == (service, inside))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same, in the background."""
        return subprocess.Popen(
            self.argv(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def up(self, *arguments: str) -> Ran:
        ran = self.run("up", *arguments)
        assert ran.code == 0, ran.err
        return ran


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    require_engine()


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Project]]:
    """Projects of a test's own; whatever they leave behind is destroyed at the end of the session."""
    made: list[Project] = []

    def make(name: str, **extra: str) -> Project:
        folder = tmp_path_factory.mktemp(name)
        project = Project(folder=folder, state=tmp_path_factory.mktemp(f"{name}-state"), extra=extra)
        made.append(project)
        return project

    yield make
    for project in made:
        if project.state.exists() and project.folder.exists():
            project.run("destroy", "--yes")
        shutil.rmtree(project.state, ignore_errors=True)


@pytest.fixture(scope="session")
def project(make_project: Callable[..., Project]) -> Project:
    """The session's instance, ready and seeded.

    ``TEST_PROJECT`` and ``TEST_STATE`` name the folders of a running instance that is used as it is and kept.
    """
    if running := os.environ.get("TEST_PROJECT"):
        return Project(folder=Path(running), state=Path(os.environ["TEST_STATE"]))
    project = make_project("shop")
    project.up()
    return project


@pytest.fixture
def heal(project: Project) -> Iterator[None]:
    """Brings the session's instance back to ready after a test that broke it."""
    yield
    project.up()


def variables_of(project: Project) -> dict[str, str]:
    """What an application on the host reads now: the env file, as python-dotenv takes it."""
    return {name: value or "" for name, value in dotenv_values(project.folder / ".env.nexusdev").items()}


@pytest.fixture
def variables(project: Project) -> Mapping[str, str]:
    """The env file of the session's instance as it is at this test: one before may have rotated a password."""
    return variables_of(project)


@pytest.fixture
def seed_folder(project: Project) -> Iterator[Path]:
    """The project's own seed folder, gone after the test."""
    folder = project.folder / "seed"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
