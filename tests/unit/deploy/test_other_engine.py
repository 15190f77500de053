"""Machines that share the home folder, and an engine that was replaced by another: the data of an instance is elsewhere, and not lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.deploy import other_engine
from nexusdev.errors import IdentityMismatch, VolumeLost
from nexusdev.instance import volume_marks
from nexusdev.operations import gc
from nexusdev.operations.destroy import destroy, question
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.ls import ls
from nexusdev.operations.up import up
from nexusdev.runtimes.memory.provider import FACTS, MemoryProvider
from tests.fakes import House
from tests.unit.deploy.test_lost_volumes import FakeStore, prune


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The first machine, on which the instance runs."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    found = House(folder=tmp_path, redis=FakeStore(name="redis"))
    work(found, found.provider, "tower", monkeypatch)
    up(found.context())
    return found


@pytest.fixture
def laptop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The second machine, with the same home folder and an engine of its own."""
    work(house, MemoryProvider(store=house.provider.store), "laptop", monkeypatch)
    return house


def work(house: House, provider: MemoryProvider, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a machine and its engine."""
    provider.engine_facts = replace(FACTS, identity=f"the engine of {machine}")
    house.provider = provider
    monkeypatch.setattr("socket.gethostname", lambda: machine)


def test_up_on_the_other_machine_changes_nothing(laptop: House) -> None:
    for command in (up, dry_run):
        with pytest.raises(IdentityMismatch) as refused:
            command(laptop.context())
        assert (refused.value.code, refused.value.message) == ("OTHER_ENGINE", "instance shop is on tower")
        assert "run it on tower" in refused.value.hint
        assert "nexusdev -i shop-2 up" in refused.value.hint
        assert "nexusdev up --recreate-volumes" in refused.value.hint
    assert not laptop.provider.engine.containers


def test_a_replaced_engine_of_the_same_machine_is_told_as_such(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    work(house, MemoryProvider(store=house.provider.store), "tower", monkeypatch)
    house.provider.engine_facts = replace(FACTS, identity="rootless")
    with pytest.raises(IdentityMismatch) as refused:
        up(house.context())
    assert refused.value.message == "instance shop is elsewhere on this machine"
    assert "run it on" not in refused.value.hint


def test_with_the_users_agreement_up_starts_empty_there_and_remembers_it(laptop: House) -> None:
    up(laptop.context(), agreed={"redis-0", "redis-1"})
    folder = laptop.folder / "state" / "instances" / "shop"
    assert volume_marks.origin(folder) == volume_marks.Origin(engine="the engine of laptop", machine="laptop")
    up(laptop.context())


def test_destroy_keeps_the_passwords_of_what_runs_elsewhere(laptop: House) -> None:
    for command in (question, destroy):
        with pytest.raises(IdentityMismatch, match="is on tower") as refused:
            command(laptop.context())
        assert f"rm -r {laptop.folder}/state/instances/shop" in refused.value.hint
    assert (laptop.folder / "state" / "instances" / "shop" / "secrets").exists()


@pytest.mark.parametrize("older_than", [None, "0s"])
def test_gc_keeps_the_state_of_what_runs_elsewhere(laptop: House, older_than: str | None) -> None:
    shutil.rmtree(laptop.project)
    found = gc.find_leftovers(laptop.context(), data=True, instances=True, older_than=older_than)
    assert found == ()


def test_ls_tells_where_it_is(laptop: House) -> None:
    [row] = ls(laptop.context()).instances
    assert row.state == "on tower"


def test_pruned_volumes_of_the_same_engine_are_lost(house: House) -> None:
    prune(house)
    with pytest.raises(VolumeLost):
        up(house.context())
    assert question(house.context())


def test_a_state_without_an_origin_is_taken_as_before(laptop: House) -> None:
    folder = laptop.folder / "state" / "instances" / "shop"
    marks = volume_marks.read(folder)
    (folder / "volumes.json").write_text('{"seen": {"redis-0": 1.0, "redis-1": 1.0}}')
    assert marks.keys() == volume_marks.read(folder).keys()
    assert other_engine.elsewhere(laptop.context(), folder) is None
    with pytest.raises(VolumeLost):
        up(laptop.context())
