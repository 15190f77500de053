"""An instance in kind is stopped, started, taken down and brought up again: its data stays."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.kind]


@pytest.mark.parametrize(("ends", "begins"), [("stop", "start"), pytest.param("down", "up", marks=pytest.mark.long)])
def test_data_survives(project: Project, ends: str, begins: str) -> None:
    kept = f"kept_{ends}"
    assert project.run("redis", "--", "SET", kept, "yes").out.strip() == "OK"
    ended = project.run(ends, timeout=240)
    assert ended.code == 0, ended.err
    assert project.run("status", "--check").code == 4
    begun = project.run(begins, timeout=400)
    assert begun.code == 0, begun.err
    assert project.run("status", "--check").code == 0
    assert project.run("redis", "--", "GET", kept).out.strip() == "yes"


def test_psql_reads_the_password_of_the_pod(project: Project) -> None:
    ran = project.run("psql", "--", "-At", "-c", "SELECT current_user")
    assert ran.out.strip() == "nexus_app", ran.err
    assert "WARNING" not in ran.err
