"""The pages about CI and devcontainers: their files are valid for the tools that read them, and the commands in them work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import pages
from tests.integration import client_venv
from tests.integration.clients.toolchains import needed
from tests.integration.conftest import Project
from tests.integration.frameworks import workshop

pytestmark = [pytest.mark.integration, pytest.mark.clients]

#: The tests have nexusdev in the PATH as a developer has it; the image archive is several gigabytes; `destroy` ends the instance of all tests.
NOT_RUN = ("pipx install nexusdev", "nexusdev images ", "nexusdev destroy")


@pytest.fixture
def laid_out(project: Project, tmp_path: Path) -> Callable[[str], tuple[pages.Page, Path, dict[str, str]]]:
    """The page, a folder with its files, and a shell's environment in which `python` has pip."""

    def lay(name: str) -> tuple[pages.Page, Path, dict[str, str]]:
        page = pages.read((workshop.DOCS / f"{name}.md").read_text(encoding="utf-8"))
        environment = workshop.environment_of(project, tmp_path)
        python = client_venv.python("pip", "pytest", "psycopg[binary]")
        environment["PATH"] = f"{python.parent}:{environment['PATH']}"
        return page, workshop.folder_of(name, page, environment), environment

    return lay


def valid(file: Path, schema: str) -> None:
    """Checked by the published schema, which the package brings."""
    checker = client_venv.python("check-jsonschema>=0.29").parent / "check-jsonschema"
    client_venv.command([str(checker), "--builtin-schema", schema, str(file)], {}, folder=file.parent)


def run(page: pages.Page, lines: Iterable[str], folder: Path, environment: dict[str, str]) -> None:
    commands = tuple(pages.Command(text=line) for line in lines if not any(each in line for each in NOT_RUN))
    assert commands
    part = pages.Page(before={}, files=page.files, install="", commands=commands)
    workshop.run(part, folder, environment, folder / "background.log", seconds=240)


@pytest.mark.documented("page", "github-actions")
def test_the_github_workflow_is_valid_and_its_steps_work(laid_out: Any) -> None:
    page, folder, environment = laid_out("github-actions")
    workflow = folder / ".github" / "workflows" / "test.yml"
    valid(workflow, "vendor.github-workflows")
    steps = yaml.safe_load(workflow.read_text())["jobs"]["test"]["steps"]
    run(page, [step["run"] for step in steps if "run" in step], folder, environment)


@pytest.mark.documented("page", "gitlab-ci")
def test_the_gitlab_job_is_valid_and_its_script_works(laid_out: Any) -> None:
    page, folder, environment = laid_out("gitlab-ci")
    valid(folder / ".gitlab-ci.yml", "vendor.gitlab-ci")
    job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())["test"]
    assert job["variables"] == {"NEXUSDEV_INSTANCE": "ci-$CI_JOB_ID"}
    run(page, job["script"], folder, environment)


@pytest.mark.documented("page", "devcontainer")
def test_the_devcontainer_is_valid_and_its_command_works(laid_out: Any, tmp_path: Path) -> None:
    page, folder, environment = laid_out("devcontainer")
    words = ["--yes", "@devcontainers/cli@0.89.0", "read-configuration", "--workspace-folder", str(folder)]
    told = client_venv.command([needed("npx"), *words], environment, folder=tmp_path, seconds=120)
    read = json.loads(told.splitlines()[-1])["configuration"]
    written = json.loads(page.files[".devcontainer/devcontainer.json"])
    assert {key: read.get(key) for key in written} == written
    run(page, [read["postStartCommand"]], folder, environment)
