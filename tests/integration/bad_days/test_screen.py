"""Wrong words, a reader that goes away, no terminal, 40 columns, no colour."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from tests.integration.bad_days.conftest import SMALL
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ("statsu", "status"),
        ("up redsi", "redis"),
        ("up --ofline", "--offline"),
        ("stop redis-O", "redis-0"),
        ("wait redis --for raedy", "ready"),
        ("env --format dotnev", "dotenv"),
        ("images lsit", "list"),
    ],
)
def test_invalid_arguments_suggest_the_nearest(running: Project, words: str, nearest: str) -> None:
    ran = running.run(*words.split())
    assert ran.code == 2, ran.err
    assert nearest in ran.err
    assert "next" in ran.err


@pytest.mark.parametrize("words", ["status", "ports", "logs --tail 200", "env", "--help", f"up {SMALL}"])
def test_a_closed_pipe_ends_every_command_quietly(running: Project, words: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", *running.argv(*words.split())],
        cwd=running.folder,
        env=running.environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Error" not in ran.stderr


def test_a_closed_stdout_is_an_error(running: Project) -> None:
    ran = subprocess.run(
        ["bash", "-c", '"$@" >&-', "-", *running.argv("status")],
        cwd=running.folder,
        env=running.environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 5
    assert b"failed to write the output: Bad file descriptor" in ran.stderr


def expected_status(project: Project, words: str) -> int:
    """0, but 5 where doctor finds a failed check on this machine."""
    if words != "doctor":
        return 0
    return 5 if "failed" in {each["verdict"] for each in project.run("doctor", "--json").data["checks"]} else 0


@pytest.mark.parametrize("words", ["status", "ports", "urls", "ls", "doctor", f"up {SMALL}"])
def test_output_respects_forty_columns_and_no_color(running: Project, words: str) -> None:
    narrow = replace(running, extra={"COLUMNS": "40", "NO_COLOR": "1"})
    ran = narrow.run(*words.split())
    assert ran.code == expected_status(running, words), ran.err
    assert "\x1b" not in ran.out + ran.err
    assert "\r" not in ran.out + ran.err
    too_long = [line for line in ran.out.splitlines() if len(line) > 40 and " " in line.strip()]
    assert not too_long
