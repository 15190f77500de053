"""``--nexus=up``: an instance that a test run brings up, and takes down if nobody else uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import NotFound
from nexusdev.instance.run_claims import RUN_VARIABLE, Claims
from nexusdev.operations.down import down
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.up import up
from nexusdev.testing.own_stack import OwnStack, bring_up
from tests.fakes import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path)


@pytest.fixture(autouse=True)
def no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_VARIABLE, "")


def runs(house: House) -> bool:
    return bool(house.engine.containers)


def exists(house: House) -> bool:
    try:
        return bool(house.context().instance())
    except NotFound:
        return False


def bring(house: House, *, keep: bool = False) -> list[str]:
    told: list[str] = []
    bring_up(house.context(), keep=keep, tell=told.append)
    return told


def test_an_instance_that_did_not_exist_is_gone_after_the_run(house: House) -> None:
    own = OwnStack(house.context())
    assert bring(house) == ["bringing up instance shop for these tests"]
    assert bring(house) == []  # a second worker
    assert runs(house)
    own.end()
    assert (runs(house), exists(house), Claims(root=house.context().root).read("shop")) == (False, False, None)


def test_an_instance_that_existed_keeps_its_data(house: House) -> None:
    up(house.context())
    down(house.context())
    own = OwnStack(house.context())
    bring(house)
    own.end()
    assert (runs(house), exists(house)) == (False, True)


def test_an_instance_that_runs_already_is_left_alone(house: House) -> None:
    up(house.context())
    own = OwnStack(house.context())
    assert bring(house) == []
    own.end()
    assert runs(house)


def test_the_instance_is_kept_on_request(house: House) -> None:
    own = OwnStack(house.context())
    bring(house, keep=True)
    own.end()
    assert runs(house)


def test_the_last_of_two_runs_takes_the_instance_down(house: House) -> None:
    first = OwnStack(house.context())
    bring(house)
    second = OwnStack(house.context())
    bring(house)
    first.end()
    assert runs(house)
    second.end()
    assert (runs(house), exists(house)) == (False, False)


def test_the_next_run_takes_down_what_a_killed_run_left(house: House) -> None:
    killed = OwnStack(house.context())
    bring(house)
    killed._alive.close()  # the kernel frees the lock of a killed process
    assert Claims(root=house.context().root).abandoned() == ["shop"]
    own = OwnStack(house.context())
    assert bring(house) == []
    own.end()
    assert (runs(house), exists(house)) == (False, False)


def test_an_instance_that_its_user_started_after_a_killed_run_is_the_users(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = OwnStack(house.context())
    bring(house)
    killed._alive.close()
    monkeypatch.delenv(RUN_VARIABLE)
    up(house.context())
    own = OwnStack(house.context())
    assert bring(house) == []
    own.end()
    assert (runs(house), exists(house)) == (True, True)


def test_an_instance_of_which_a_part_runs_is_completed_and_left_running(house: House) -> None:
    up(house.context())
    stop(house.context(), ["redis"])
    own = OwnStack(house.context())
    assert bring(house) == ["bringing up instance shop for these tests"]
    own.end()
    assert runs(house)
