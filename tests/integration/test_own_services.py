"""The example of the documentation, beside the real stack: built, started, used, scraped, changed and removed."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration import client_venv, engine
from tests.integration.application import until
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples" / "orders"
FILES = ("nexusdev.toml", "compose.dev.yaml", "api", "seed")


@pytest.fixture(scope="module")
def wheels() -> Path:
    """The example's packages and pip: the base image of this test has neither pip nor a way to PyPI."""
    return client_venv.wheels(EXAMPLE / "api" / "requirements.txt", python="3.13")


@pytest.fixture(scope="module")
def orders(project: Project, wheels: Path) -> Iterator[Project]:
    """The session's project with the example in it; without it again afterwards."""
    for name in FILES:
        source, target = EXAMPLE / name, project.folder / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    shutil.copytree(wheels, project.folder / "api" / "wheels")
    yield replace(project, extra={"NEXUSDEV_VAR_BASE": engine.image("relay"), "NEXUSDEV_VAR_PIP_NO_INDEX": "1"})
    for name in FILES:
        target = project.folder / name
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    project.up()


def asked(url: str, order: str = "") -> Any:
    """The answer to a GET, or to a POST of an order."""
    body = json.dumps({"item": order}).encode() if order else None
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def url(project: Project) -> str:
    return str(project.run("urls", "--json").data["urls"]["api"]).rstrip("/")


def test_the_example_uses_all_four_systems(orders: Project) -> None:
    up = json.loads(orders.up("--json").out)["data"]
    assert "api" in up["ready"]
    placed = asked(f"{url(orders)}/orders", "tea")
    assert asked(f"{url(orders)}/orders/{placed['id']}") == {"item": "tea", "receipt": f"tea {placed['signature']}"}
    again = json.loads(orders.up("--json").out)["data"]
    assert again["changed"] is False
    [row] = [each for each in orders.run("status", "--json").data["nodes"] if each["service"] == "api"]
    assert (row["component"], row["ok"]) == ("api", True)
    assert "Uvicorn running" in orders.run("logs", "api").out
    assert orders.run("exec", "api", "--", "python3", "-c", "print(6*7)").out.strip() == "42"


def test_the_service_gets_only_the_application_logins(orders: Project) -> None:
    container = engine.container(orders, "api")
    names = {each.partition("=")[0] for each in container.attrs["Config"]["Env"]}
    assert {"DATABASE_URL", "REDIS_URL", "VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY"} <= names
    assert not {"DATABASE_MIGRATION_URL", "DATABASE_TEST_URL"} & names
    assert "nexus_owner" not in orders.run("exec", "api", "--", "cat", "/run/nexusdev/pg_service.conf").out
    published = [each["HostIp"] for ports in container.attrs["HostConfig"]["PortBindings"].values() for each in ports]
    assert set(published) == {"127.0.0.1"}


def test_both_prometheus_scrape_it(orders: Project) -> None:
    def scraped() -> bool:
        found = orders.run("metrics", "--json", 'orders_placed_total{job="own", component="api", instance="api"}')
        return [float(each["value"][1]) for each in found.data["result"]] == [1.0]

    until(scraped, seconds=60, what="the counter of the example in Prometheus")
    assert orders.run("status", "--check").code == 0


def test_a_changed_folder_recreates_only_its_service(orders: Project) -> None:
    before = engine.started_at(engine.instance_of(orders))
    main = orders.folder / "api" / "main.py"
    main.write_text(main.read_text().replace('"status": "ok"', '"status": "fine"'))
    orders.up()
    after = engine.started_at(engine.instance_of(orders))
    changed = {name for name in after if after[name] != before[name]}
    assert {name.rpartition("-")[0].rpartition("-")[2] for name in changed} == {"api"}
    assert asked(f"{url(orders)}/health") == {"status": "fine"}


def test_a_service_removed_from_the_file_is_removed(orders: Project) -> None:
    (orders.folder / "nexusdev.toml").unlink()
    up = json.loads(orders.up("--json").out)["data"]
    assert up["steps"] == ["remove api: it is no longer in the stack"]
    assert "api" not in engine.services_of(engine.instance_of(orders))
