"""Monitoring from the terminal: queries, profiles, a broken rule, and a Prometheus whose data is corrupt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def services(project: Project) -> set[str]:
    return {row["service"] for row in project.run("status", "--json").data["nodes"]}


def test_metrics_prints_instant_and_range_queries(project: Project) -> None:
    def every_node_is_told() -> bool:
        return {"redis-0", "redis-1", "redis-2"} <= set(project.run("metrics", "redis_up").out.split())

    app.until(every_node_is_told, seconds=40, what="every Redis in the table")
    drawn = project.run("metrics", "redis_up", "--range", "5m", "--json")
    assert drawn.code == 0, drawn.err
    assert "redis-0" in drawn.out


def test_an_invalid_query_quotes_prometheus(project: Project) -> None:
    reply = project.run("metrics", "rate(redis_up[")
    assert reply.code == 2, reply.out
    assert "parse error" in reply.err


def test_every_running_service_is_scraped(project: Project) -> None:
    def reply() -> Any:
        return project.run("status", "--json").data["monitoring"]

    app.until(lambda: reply()["coverage"] == 1, seconds=40, what="everything scraped")
    assert reply()["scraped"] == reply()["services"] > 30


def test_the_core_profile_runs_without_monitoring(project: Project) -> None:
    before = services(project)
    try:
        narrowed = project.run("up", "--profile", "core")
        assert narrowed.code == 0, narrowed.err
        gone = before - services(project)
        assert {"prometheus-0", "prometheus-1", "alertmanager-0", "alertmanager-1"} <= gone
        assert not {name for name in gone if name.startswith(("postgresql", "redis", "minio", "vault", "gateway"))}
        assert project.run("status", "--check").code == 0
        assert project.run("metrics", "up").code == 3
    finally:
        project.up("--profile", "full")
    assert services(project) == before


def test_only_the_data_of_a_corrupt_prometheus_is_discarded(project: Project) -> None:
    corrupt = engine.container(project, "prometheus-1")
    corrupt.stop()
    try:
        spoil(corrupt)
        reply = project.run("up")
        assert reply.code == 10, reply.err
        assert "DATA_CORRUPT" in reply.err
        assert "nexusdev destroy prometheus-1" in reply.err
    finally:
        before = engine.started_at(engine.instance_of(project))
        thrown_away = project.run("destroy", "prometheus-1", "--yes")
        project.up()
    assert thrown_away.code == 0, thrown_away.err
    after = engine.started_at(engine.instance_of(project))
    assert {name for name in before if after.get(name) != before[name]} == {corrupt.name}


def spoil(server: Any) -> None:
    """Leave a file where this Prometheus keeps a folder."""
    volume = next(mount["Name"] for mount in server.attrs["Mounts"] if mount["Type"] == "volume")
    engine.client().containers.run(
        engine.base_image(),
        ["sh", "-c", "rm -r /data/prometheus/chunks_head && echo no > /data/prometheus/chunks_head"],
        user=server.attrs["Config"]["User"],
        volumes={volume: {"bind": "/data", "mode": "rw"}},
        network_mode="none",
        remove=True,
    )


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of nexusdev whose files a test may break."""
    for selection in ("nexusdev", "compose"):
        shutil.copytree(ROOT / selection, tmp_path / selection, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "broken", "line"),
    [
        (
            "rules/redis.yml",
            "groups:\n  - name: redis\n    rules:\n      - alert: A\n        expr: up ==\n",
            "redis.yml:5",
        ),
        ("rules/redis.yml", "groups:\n  - name: redis\n    rule: []\n", "redis.yml:3"),
        ("grafana/dashboards/minio.json", '{"uid": "minio",\n', "minio.json:2"),
    ],
    ids=["an expression that is none", "a key that is none", "half a dashboard"],
)
def test_a_broken_file_stops_up_before_anything_starts(
    make_project: Callable[..., Project], installation: Path, file: str, broken: str, line: str
) -> None:
    (installation / "compose" / "monitoring" / file).write_text(broken)
    project = replace(make_project("broken"), extra={"PYTHONPATH": str(installation)})
    reply = project.run("up", "--offline")
    assert reply.code == 12, reply.err
    assert line in reply.err.replace(", line ", ":")
    assert engine.left_of(project.folder.name)["containers"] == []
    assert not engine.client().containers.list(all=True, filters={"label": f"dev.nexus.owner-path={project.folder}"})
