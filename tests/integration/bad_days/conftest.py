"""One small instance for all bad days: each test finds it ready, whatever the one before has done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.integration import engine
from tests.integration.conftest import Project

SMALL = "redis"  # the component that a bad day is shown with where any would do


@pytest.fixture
def small(make_project: Callable[..., Project]) -> Project:
    """A project of its own, with nothing in it."""
    return make_project("bad")


@pytest.fixture(scope="session")
def days(make_project: Callable[..., Project]) -> Project:
    """The small instance that most bad days happen to."""
    return make_project("days")


@pytest.fixture
def running(days: Project) -> Project:
    """The small instance, ready. One that cannot be brought up is made anew, so that one failure stays one."""
    if days.run("up", SMALL).code != 0:
        days.run("destroy", "--yes")
        days.up(SMALL)
    return days


@pytest.fixture
def resting(days: Project) -> Project:
    """The small instance, made once and taken down: its ports and names are known, and free."""
    if days.run("ports").code != 0:
        days.up(SMALL)
    assert days.run("down").code == 0
    return days


@pytest.fixture
def gone_at_the_end(small: Project) -> Iterator[Project]:
    """A project of its own whose containers and data go with the test: the machine is small."""
    yield small
    assert small.run("destroy", "--yes").code == 0


def ready(project: Project) -> bool:
    return project.run("status", "--check").code == 0


def shape_of(project: Project) -> Mapping[str, list[str]]:
    """What the engine has of an instance, without the instance's own name: equal for two that reached the same end."""
    instance = engine.instance_of(project)
    return {kind: [name.replace(instance, "") for name in names] for kind, names in engine.left_of(instance).items()}
