"""Two instances in one process share nothing that changes: each has its components, connections and TLS of its own."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nexusdev
from nexusdev.components import https_connection
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.registry import ROWS
from nexusdev.context import Context
from nexusdev.instance.identity import Identity
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.settings import Settings
from nexusdev.util.memo import Memo
from tests.fakes import House
from tests.unit.components.test_https_connection import site_of
from tests.unit.env.servers import authority


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(nexusdev.__path__, "nexusdev."):
        if found.name != "nexusdev.__main__":
            yield importlib.import_module(found.name)


def own_objects() -> Iterator[tuple[str, Any]]:
    """What modules and classes of the package hold, by its full name."""
    for module in modules():
        classes = [
            each
            for each in vars(module).values()
            if isinstance(each, type) and each.__module__ == module.__name__ and not issubclass(each, Enum)
        ]
        holders: list[ModuleType | type[Any]] = [module, *classes]
        for holder in holders:
            for name, value in vars(holder).items():
                if not name.startswith("__"):
                    yield f"{module.__name__}:{holder.__name__}.{name}", value


def test_modules_and_classes_hold_no_shared_state() -> None:
    locks = (type(threading.Lock()), type(threading.RLock()), threading.local, threading.Event)
    found = [
        name
        for name, value in own_objects()
        if isinstance(value, (*locks, list, set, bytearray, Memo, ComponentSet))
        or (hasattr(value, "cache_clear") and value.__module__.startswith("nexusdev"))
        or (callable(getattr(value, "probe", None)) and not isinstance(value, (type, ModuleType)))
    ]
    assert found == []


def test_each_context_has_its_own_components(tmp_path: Path) -> None:
    one, two = (
        Context(
            identity=Identity(name=name, project=tmp_path), settings=Settings(), root=tmp_path, compose=tmp_path
        ).components
        for name in ("one", "two")
    )
    assert list(one) == list(two) == list(ROWS)
    assert all(one[name] is not two[name] for name in ROWS)
    assert all(one[name] is one[name] for name in ROWS)


def test_threads_share_the_component_of_a_context() -> None:
    components = ComponentSet()
    gate = threading.Barrier(8)

    def ask(_: int) -> int:
        gate.wait()
        return id(components["vault"])

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1


def test_each_access_has_its_own_tls_context(tmp_path: Path) -> None:
    folder = authority(tmp_path / "tls")
    one, two = site_of(folder), site_of(folder)
    assert https_connection.context(one) is https_connection.context(one)
    assert https_connection.context(one) is not https_connection.context(two)


def test_a_failed_creation_is_retried() -> None:
    memo, made = Memo(), []

    def make() -> str:
        made.append(1)
        if len(made) == 1:
            raise OSError("not yet")
        return "value"

    with pytest.raises(OSError, match="not yet"):
        memo.get("key", make)
    assert [memo.get("key", make), memo.get("key", make), len(made)] == ["value", "value", 2]


def test_two_instances_run_in_two_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    houses = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        houses.append(House(folder=tmp_path / name, name=name))
    gate = threading.Barrier(2)

    def work(house: House) -> Mapping[str, str]:
        with house.open() as stack:
            gate.wait()
            for _ in range(3):
                stack.up()
                values = stack.env().variables
                stack.down()
            stack.up()
            return values

    with ThreadPoolExecutor(2) as threads:
        values = list(threads.map(work, houses))
    assert [each["NEXUSDEV_INSTANCE"] for each in values] == ["one", "two"]
    for house in houses:
        assert {each.instance for each in house.engine.containers.values()} == {house.name}
        assert {each.state for each in house.engine.containers.values()} == {State.RUNNING}
        assert house.redis.calls.count("prove") == 4
