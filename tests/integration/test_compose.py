"""The files are plain Compose files: Docker Compose itself reads them, and runs them with the same images and secrets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration import compose_cli, engine
from tests.integration.conftest import Project
from tests.integration.engine import base_image

pytestmark = pytest.mark.integration

COMPOSE = Path(__file__).resolve().parents[2] / "compose"


@pytest.fixture(scope="module")
def compose(project: Project) -> list[str]:
    (state,) = [path.parent for path in project.state.rglob("compose.env")]
    return compose_cli.command(base=base_image(), compose=COMPOSE, state=state)


def run(argv: list[str]) -> str:
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_compose_config_accepts_the_files_and_sees_every_service(project: Project, compose: list[str]) -> None:
    seen = json.loads(run([*compose, "config", "--format", "json"]))
    ours = {row["service"] for row in project.run("status", "--json").data["nodes"]}
    assert ours <= set(seen["services"])
    assert all(port["host_ip"] == "127.0.0.1" for each in seen["services"].values() for port in each.get("ports", []))


def test_compose_ps_sees_a_normal_project(project: Project, compose: list[str]) -> None:
    rows = [json.loads(line) for line in run([*compose, "ps", "--format", "json"]).splitlines()]
    names = {
        container.rsplit("-", 1)[0].split("-", 3)[-1] for container in engine.started_at(engine.instance_of(project))
    }
    assert len(rows) == len(engine.started_at(engine.instance_of(project))), names


def test_nexusdev_takes_over_after_compose_down_and_up(project: Project, compose: list[str]) -> None:
    """``docker compose down`` from outside; then Compose starts the same files; then `nexusdev up` makes it ours again."""
    project.run("redis", "--", "SET", "kept", "yes")
    services = engine.services_of(engine.instance_of(project))  # without what is optional and cannot be had here
    run([*compose, "down"])
    assert engine.left_of(engine.instance_of(project))["containers"] == []
    run([*compose, "up", "--detach", *services])
    run([*compose, "down"])
    project.up()
    assert project.run("redis", "--", "GET", "kept").out.strip() == "yes"
