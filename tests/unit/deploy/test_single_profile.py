"""A profile with single servers is chosen when an instance is created: it stays, and another one is refused while there is data."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import PreflightFailed, UsageError
from nexusdev.instance.state import folder_of, read_record, write_record
from nexusdev.operations.destroy import destroy
from nexusdev.operations.down import down
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.up import up
from tests.fakes import COMPOSE, House

LITE = {"profile": "lite", "origins": {"profile": "--profile"}}
FULL = {"profile": "full", "origins": {"profile": "--profile"}}


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(folder=tmp_path)
    (tmp_path / "compose" / "stack.yaml").write_text(
        COMPOSE.replace("secrets:", "x-nexusdev: {profiles: {lite: {single: true, without: [gateway]}}}\nsecrets:", 1)
    )
    return made


def services(house: House) -> set[str]:
    return {cell.service for cell in house.engine.containers.values()}


def test_one_server_of_each_group_starts(house: House) -> None:
    outcome = up(house.context(**LITE))
    assert (outcome.profile, outcome.ready) == ("lite", ("redis",))
    assert services(house) == {"redis-0"}


def test_a_later_up_keeps_it_without_being_told(house: House) -> None:
    up(house.context(**LITE))
    down(house.context())
    again = up(house.context())
    assert (again.profile, services(house)) == ("lite", {"redis-0"})


def test_an_instance_with_data_keeps_its_servers(house: House) -> None:
    up(house.context(**LITE))
    down(house.context())
    with pytest.raises(UsageError) as raised:
        up(house.context(**FULL))
    assert raised.value.code == "PROFILE_FIXED"
    assert "has the servers of profile lite, not of full" in raised.value.message
    assert "nexusdev destroy" in raised.value.hint
    with pytest.raises(UsageError, match="not of full"):
        dry_run(house.context(**FULL))


def test_a_whole_stack_does_not_become_a_single_one(house: House) -> None:
    up(house.context())
    before = services(house)
    with pytest.raises(UsageError, match="has the servers of profile full, not of lite"):
        up(house.context(**LITE))
    assert services(house) == before


def test_without_containers_and_data_the_profile_changes(house: House) -> None:
    up(house.context())
    context = house.context()
    folder = folder_of(context.root, context.identity.name)
    record = read_record(folder)
    destroy(house.context())
    assert record
    folder.mkdir(parents=True)
    write_record(folder, record)  # as after an `up` that failed before its first step
    assert up(house.context(**LITE)).profile == "lite"
    assert services(house) == {"redis-0"}


def test_after_destroy_it_is_chosen_again(house: House) -> None:
    up(house.context(**LITE))
    destroy(house.context())
    assert up(house.context()).profile == "full"


def test_an_unknown_profile_is_reported_as_one(house: House) -> None:
    up(house.context(**LITE))
    with pytest.raises(UsageError, match="unknown profile lit"):
        up(house.context(profile="lit", origins={"profile": "--profile"}))


def test_a_runtime_without_single_servers_refuses_it(house: House) -> None:
    house.provider = replace(house.provider, runs_single_servers=False)
    with pytest.raises(PreflightFailed) as raised:
        up(house.context(**LITE))
    assert raised.value.code == "PROFILE_UNSUPPORTED"
