"""The README's first programs in Node, Go and Java: each block, as a reader pastes it into a shell in an empty folder."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.clients.toolchains import needed
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.clients]

README = Path(__file__).parents[3] / "README.md"


def block(language: str) -> str:
    """The lines of the block below the paragraph that begins with the language."""
    found = re.search(rf"^{language} \(.*?\n\n```sh\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("language", "program"), [("Node", "npm"), ("Go", "go"), ("Java", "mvn")])
def test_the_first_program_works(
    language: str, program: str, project: Project, variables: Mapping[str, str], tmp_path: Path
) -> None:
    needed(program)
    command = shlex.join([sys.executable, "-m", "nexusdev", "--instance", variables["NEXUSDEV_INSTANCE"]])
    script = f'set -eu\nnexusdev() {{ {command} "$@"; }}\n{block(language)}'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PostgreSQL 17" in done.stdout
    assert language == "Java" or "PONG" in done.stdout
