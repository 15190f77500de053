"""The engine is not there, not allowed, silent, too old, or has no room."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.bad_days.engines import VERSION, EngineThatSays, SlowEngine, without_rights
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def elsewhere(project: Project, path: Path) -> Project:
    """The same project, with its engine at another socket."""
    return replace(project, extra={"DOCKER_HOST": f"unix://{path}"})


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path that is short enough for a socket."""
    return tmp_path_factory.mktemp("s") / "docker.sock"


def test_a_missing_engine_is_reported_with_a_hint(small: Project, place: Path) -> None:
    ran = elsewhere(small, place).run("up", SMALL)
    assert ran.code == 5, ran.err
    assert f"{place} does not exist (DOCKER_HOST)" in ran.err
    assert "systemctl start docker" in ran.err
    assert "nexusdev doctor" in ran.err


def test_a_forbidden_engine_is_told_apart_from_a_missing_one(small: Project, place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        place.chmod(0o000)
        ran = replace(elsewhere(small, place), before=without_rights()).run("up", SMALL)
    assert ran.code == 5, ran.err
    assert "not allowed to use the Docker engine" in ran.err
    assert "mode 0000" in ran.err


def test_an_engine_that_never_answers_times_out(small: Project, place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        ran = elsewhere(small, place).run("up", SMALL, timeout=60)
    assert ran.code == 5, ran.err
    assert "no answer within" in ran.err


def test_an_outdated_engine_is_refused_with_its_api_version(small: Project, place: Path) -> None:
    with EngineThatSays(place, {"/version": {**VERSION, "ApiVersion": "1.30", "Version": "17.06.0"}}):
        ran = elsewhere(small, place).run("up", SMALL)
    assert ran.code == 5, ran.err
    assert "it speaks API 1.30; 1.41 (Docker 20.10) is required" in ran.err


def test_a_nearly_full_disk_is_reported_first(small: Project, place: Path) -> None:
    """An engine that stores in /proc has no byte free: no disk has to be filled for this."""
    with EngineThatSays(place, {"/info": {"DockerRootDir": "/proc", "SecurityOptions": []}}):
        ran = elsewhere(small, place).run("up", SMALL)
    assert ran.code == 5, ran.err
    assert "not enough disk space: 0.0 GiB free, 2 GiB needed" in ran.err
    assert "nexusdev gc" in ran.err


def test_an_engine_that_answers_late_is_waited_for(resting: Project, place: Path) -> None:
    """Each answer comes half a second late, as on a machine where another stack starts."""
    with SlowEngine(place, delay=0.5) as slow:
        late = elsewhere(resting, place)
        first = late.run("up", SMALL)
        assert first.code == 0, first.err
        again = late.run("up", SMALL)
        assert again.code == 0, again.err
        assert "nothing to do" in again.out
        assert ready(late)
    assert slow.requests > 20
    for words in ("lost the connection", "too slow", "systemctl"):
        assert words not in first.err + again.err
