"""The files are plain Compose files: Docker Compose itself reads them. ``bad_days/test_by_hand.py`` starts and stops them with it."""

from __future__ import annotations

import json

import pytest

from tests.integration import compose_cli, engine
from tests.integration.conftest import Project
from tests.integration.engine import base_image

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def compose(project: Project) -> list[str]:
    return compose_cli.command_for(project.state, base=base_image())


def test_compose_config_accepts_the_files_and_sees_every_service(project: Project, compose: list[str]) -> None:
    seen = json.loads(compose_cli.run([*compose, "config", "--format", "json"]))
    ours = {row["service"] for row in project.run("status", "--json").data["nodes"]}
    assert ours <= set(seen["services"])
    assert all(port["host_ip"] == "127.0.0.1" for each in seen["services"].values() for port in each.get("ports", []))


def test_compose_ps_sees_a_normal_project(project: Project, compose: list[str]) -> None:
    rows = [json.loads(line) for line in compose_cli.run([*compose, "ps", "--format", "json"]).splitlines()]
    names = {
        container.rsplit("-", 1)[0].split("-", 3)[-1] for container in engine.started_at(engine.instance_of(project))
    }
    assert len(rows) == len(engine.started_at(engine.instance_of(project))), names
