"""A cluster of a project's own: killed while it is made, and deleted by hand. Only Redis runs in it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = [pytest.mark.integration, pytest.mark.kind, pytest.mark.long]


@pytest.fixture
def shop(make_project: Callable[..., Project]) -> Iterator[Project]:
    project = make_project("interrupted", NEXUSDEV_RUNTIME="kind")
    yield project
    project.run("destroy", "--yes")


def killed_at(project: Project, words: str) -> None:
    """Start ``up redis`` and kill it once it has said this."""
    process = project.start("up", "redis", "--timeout", "10m")
    assert process.stderr
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        line = process.stderr.readline().decode(errors="replace")
        assert line, f"up ended before it said {words}"
        if words in line:
            time.sleep(3)
            process.send_signal(signal.SIGKILL)
            process.wait()
            return
    raise AssertionError(f"up did not say {words}")


def left_of(instance: str) -> list[str]:
    """Everything of a cluster: node, network and images."""
    listed = []
    for what in (["ps", "--all"], ["network", "ls"], ["images"]):
        asked = ["docker", *what, "--filter", f"label=dev.nexus.instance={instance}", "--quiet"]
        listed += subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split()
    return listed


@pytest.mark.parametrize("moment", ["creating the cluster", "copying"])
def test_an_up_that_is_killed_is_finished_by_the_next(shop: Project, moment: str) -> None:
    killed_at(shop, moment)
    ran = shop.run("up", "redis", "--timeout", "10m", timeout=900)
    assert ran.code == 0, ran.err
    assert shop.run("redis", "--", "PING").out.strip() == "PONG"
    instance = engine.instance_of(shop)
    assert shop.run("destroy", "--yes").code == 0
    assert left_of(instance) == []


def test_nothing_is_left_of_a_cluster_whose_node_was_removed_by_hand(shop: Project) -> None:
    ran = shop.run("up", "redis", "--timeout", "10m", timeout=900)
    assert ran.code == 0, ran.err
    instance = engine.instance_of(shop)
    engine.client().containers.get(f"nexusdev-{instance}-control-plane").remove(force=True, v=True)
    refused = shop.run("up", "redis")
    assert refused.code == 12, refused.err
    assert "--recreate-volumes" in refused.err
    assert shop.run("destroy", "--yes").code == 0
    assert left_of(instance) == []
