"""Runs integration tests in several worker processes of pytest-xdist: ``-n 2 --dist loadgroup``. ``tests/turns.py`` has the rules."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.turns import Turns, breaks, group_of, misplaced

_TURNS = pytest.StashKey[Turns]()


def _integration(item: pytest.Item) -> bool:
    return item.get_closest_marker("integration") is not None


def _alone(item: pytest.Item | None) -> bool:
    return item is not None and item.get_closest_marker("alone") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the files with integration tests that break something behind all others, and check the group of each."""
    rough = set()
    for item in filter(_integration, items):
        fixtures = getattr(item, "fixturenames", ())
        if wrong := misplaced(fixtures, file := item.nodeid.partition("::")[0]):
            raise pytest.UsageError(
                f"{item.nodeid} uses {wrong}, but the group of its file is {group_of(file)} (tests/turns.py)"
            )
        if breaks(fixtures, alone=_alone(item)):
            rough.add(item.path)
    items.sort(key=lambda item: item.path in rough)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give a worker all tests of a group. The ``loadgroup`` of xdist 3.8 itself has no effect with pytest 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.partition("::")[0])

    return GroupScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where it takes turns with the others."""
    factory: pytest.TempPathFactory = node.config._tmp_path_factory
    node.workerinput["turns"] = str(factory.getbasetemp())


def pytest_configure(config: pytest.Config) -> None:
    if told := getattr(config, "workerinput", {}).get("turns"):
        config.stash[_TURNS] = Turns(Path(told))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Wait for the turn of an integration test. Tests that run alone and follow each other have one turn."""
    turns = item.config.stash.get(_TURNS, None) if _integration(item) else None
    if turns is None:
        return (yield)
    turns.take(alone=_alone(item))
    try:
        return (yield)
    finally:
        if not (_alone(item) and _alone(nextitem)):
            turns.give_back()


def pytest_unconfigure(config: pytest.Config) -> None:
    if turns := config.stash.get(_TURNS, None):
        turns.close()
