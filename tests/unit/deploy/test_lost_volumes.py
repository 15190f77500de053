"""Data volumes that somebody removed behind our back: never a silent empty start, and a way on that says what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from nexusdev.deploy.lost_volumes import VolumeRecorder, affected
from nexusdev.errors import PortInUse, VolumeLost
from nexusdev.instance import volume_marks
from nexusdev.operations.destroy import destroy
from nexusdev.operations.destroy_service import discard
from nexusdev.operations.doctor import doctor
from nexusdev.operations.down import down
from nexusdev.operations.dry_run import dry_run, lost_volumes
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from nexusdev.plan import Step
from nexusdev.runtimes.docker.plan.steps import Action
from nexusdev.stack.losses import Holding
from nexusdev.util.parallel import together
from tests.fakes import FakeComponent, House, shown


@dataclass(kw_only=True)
class FakeStore(FakeComponent):
    """A component whose two servers copy from each other, and which one of two is enough to fill."""

    enough: int | None = 1

    def holdings(self) -> Sequence[Holding]:
        return [Holding(group="redis", what="the keys", enough=self.enough)]

    def data_loss(self, service: str) -> str:
        return "its keys"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "160")
    return House(folder=tmp_path, redis=FakeStore(name="redis"))


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def prune(house: House, *volumes: str) -> None:
    """What ``docker system prune --volumes`` does to a stopped instance."""
    for name in [cell.name for cell in house.engine.containers.values() if cell.instance]:
        house.engine.remove(name)
    for volume in volumes or ("redis-0", "redis-1"):
        del house.engine.volumes[f"nexusdev-{house.name}_{volume}"]


def seen(house: House) -> dict[str, float]:
    return dict(volume_marks.read(house.folder / "state" / "instances" / house.name))


def volumes(house: House) -> set[str]:
    return {store.name for store in house.engine.volumes.values()}


def test_up_marks_the_volumes_it_creates(running: House) -> None:
    assert set(seen(running)) == {"redis-0", "redis-1"}


def test_existing_volumes_are_marked_by_the_next_up(running: House) -> None:
    (running.folder / "state" / "instances" / running.name / "volumes.json").unlink()
    up(running.context())
    assert set(seen(running)) == {"redis-0", "redis-1"}


def test_volumes_are_marked_even_if_up_fails_later(house: House) -> None:
    house.engine.occupied[21070] = "somebody"
    house.engine.failures[Action.START, "redis-0"] = PortInUse("taken")
    with pytest.raises(PortInUse):
        up(house.context())
    assert set(seen(house)) == {"redis-0", "redis-1"}


def created(*volumes: str) -> Step:
    return Step(action="create", resource="redis", reason="the test says so", makes_volumes=volumes)


def test_the_volumes_of_a_plan_are_recorded_once_all_are_created(tmp_path: Path) -> None:
    recorder = VolumeRecorder(
        folder=tmp_path, planned=("redis-0", "redis-1", "redis-2"), now=lambda: 7.0, here=volume_marks.Origin
    )
    recorder.record(created("redis-0"))
    recorder.record(created())
    assert volume_marks.read(tmp_path) == {}
    recorder.record(created("redis-1", "redis-2"))
    assert volume_marks.read(tmp_path) == {"redis-0": 7.0, "redis-1": 7.0, "redis-2": 7.0}


def test_volumes_of_concurrent_steps_are_all_recorded(tmp_path: Path) -> None:
    names = tuple(f"volume-{number}" for number in range(8))
    recorder = VolumeRecorder(folder=tmp_path, planned=names, now=lambda: 7.0, here=volume_marks.Origin)
    together({name: partial(recorder.record, created(name)) for name in names})
    assert volume_marks.read(tmp_path).keys() == set(names)


def test_an_unwritable_record_does_not_fail_the_step(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "state"
    VolumeRecorder(folder=missing, planned=("redis-0",), now=lambda: 7.0, here=volume_marks.Origin).record(
        created("redis-0")
    )
    assert volume_marks.read(missing) == {}


def test_lost_data_is_an_error_before_anything_is_created(running: House) -> None:
    stop(running.context())
    prune(running)
    done = len(running.engine.done)
    with pytest.raises(VolumeLost) as caught:
        up(running.context())
    error = caught.value
    assert (error.code, error.exit_status) == ("VOLUME_LOST", 12)
    assert error.message == "2 data volumes are missing: redis-0 and redis-1"
    assert error.evidence == ("redis: redis-0 and redis-1 (the keys): cannot be rebuilt: starts empty",)
    assert "nexusdev up --recreate-volumes" in error.hint
    assert len(running.engine.done) == done
    assert not volumes(running)


def test_a_dry_run_reports_the_same_error(running: House) -> None:
    prune(running)
    with pytest.raises(VolumeLost):
        dry_run(running.context())


def test_the_json_error_lists_every_volume(running: House) -> None:
    prune(running, "redis-1")
    typed = running.type("up", "--json")
    assert typed.status == 12
    (volume,) = typed.envelope["error"]["volumes"]
    assert volume["first_seen"].startswith("1970-01-12T")
    assert {**volume, "first_seen": ""} == {
        "name": "redis-1",
        "full_name": "nexusdev-shop_redis-1",
        "component": "redis",
        "group": "redis",
        "held": "the keys",
        "first_seen": "",
        "rebuildable": True,
        "clears": [],
    }


def test_data_held_by_other_nodes_is_rebuilt_without_confirmation(running: House) -> None:
    prune(running, "redis-1")
    typed = running.type("up", "--recreate-volumes")
    assert typed.status == 0
    assert volumes(running) == set(seen(running)) == {"redis-0", "redis-1"}
    assert [step.resource for step in running.engine.done if step.action is Action.REMOVE_VOLUME] == []


def test_starting_empty_needs_confirmation(running: House) -> None:
    prune(running)
    typed = running.type("up", "--recreate-volumes")
    assert typed.status == 13
    assert "start with empty data: redis (the keys)" in typed.err
    assert "nexusdev up --recreate-volumes --yes" in typed.err
    assert not volumes(running)
    assert running.type("up", "--recreate-volumes", "--yes").status == 0
    assert volumes(running) == {"redis-0", "redis-1"}
    assert running.type("up").status == 0


def test_the_suggested_command_repeats_the_selection(running: House) -> None:
    prune(running)
    assert "nexusdev up redis --recreate-volumes   " in running.type("up", "redis").err
    assert "nexusdev up --profile full --recreate-volumes   " in running.type("up", "--profile", "full").err
    refused = running.type("up", "--profile", "full", "--recreate-volumes").err
    assert "nexusdev up --profile full --recreate-volumes --yes" in refused


def test_remaining_volumes_below_quorum_are_removed_before_recreation(running: House) -> None:
    running.redis.enough = 2  # type: ignore[attr-defined]
    prune(running, "redis-1")
    found = lost_volumes(running.context())
    assert affected(found) == {"redis-0", "redis-1"}
    planned = shown(dry_run(running.context(), agreed=affected(found))).data["steps"]
    assert [(each["act"], each["subject"]) for each in planned][:1] == [("remove volume", "redis-0")]
    assert {each["subject"] for each in planned if each["act"] == "create volume"} == {"redis-0", "redis-1"}
    up(running.context(), agreed=affected(found))
    assert [step.resource for step in running.engine.done if step.action is Action.REMOVE_VOLUME] == ["redis-0"]
    assert volumes(running) == set(seen(running)) == {"redis-0", "redis-1"}


def test_additional_losses_need_another_confirmation(running: House) -> None:
    prune(running, "redis-1")
    agreed = affected(lost_volumes(running.context()))
    del running.engine.volumes["nexusdev-shop_redis-0"]
    with pytest.raises(VolumeLost):
        up(running.context(), agreed=agreed)


def test_an_up_interrupted_while_clearing_asks_again(running: House) -> None:
    running.redis.enough = 2  # type: ignore[attr-defined]
    prune(running, "redis-1")
    running.engine.failures[Action.REMOVE_VOLUME, "redis-0"] = RuntimeError("cut")
    with pytest.raises(RuntimeError):
        up(running.context(), agreed={"redis-0", "redis-1"})
    with pytest.raises(VolumeLost):
        up(running.context())


def test_recreating_without_losses_is_a_warning(running: House) -> None:
    assert "no data volume is missing" in running.type("up", "--recreate-volumes").err


def test_an_unselected_component_may_have_lost_its_data(running: House) -> None:
    prune(running)
    up(running.context(), ["gateway"])
    with pytest.raises(VolumeLost):
        up(running.context(), ["redis"])


def test_a_new_instance_and_an_unused_component_lose_nothing(house: House) -> None:
    up(house.context(), ["gateway"])
    assert seen(house) == {}
    up(house.context())


def test_up_after_destroy_needs_no_confirmation(running: House) -> None:
    destroy(running.context())
    assert up(running.context()).warnings == ()
    assert set(seen(running)) == {"redis-0", "redis-1"}


def test_destroying_a_server_forgets_its_volume_even_if_missing(running: House) -> None:
    discard(running.context(), ["redis-0"])
    assert set(seen(running)) == {"redis-1"}
    prune(running, "redis-1")
    discard(running.context(), ["redis-1"])
    assert seen(running) == {}
    up(running.context())


def test_status_and_doctor_report_the_loss(running: House) -> None:
    assert shown(status(running.context())).data["lost_volumes"] == []
    prune(running, "redis-0")
    outcome = status(running.context())
    assert [each["name"] for each in shown(outcome).data["lost_volumes"]] == ["redis-0"]
    assert "lost volumes: redis: redis-0 (the keys): can be rebuilt from redis-1" in map(str, shown(outcome).output)
    checks = {each["name"]: each for each in shown(doctor(running.context())).data["checks"]}
    assert checks["volumes"]["verdict"] == "failed"
    assert "redis-0" in checks["volumes"]["evidence"]


def test_down_and_stop_warn_once_about_prune(running: House) -> None:
    assert "docker system prune --volumes" in str(shown(stop(running.context())).output[-1])
    assert len(shown(stop(running.context())).output) == 1
    assert "docker volume prune" in str(shown(down(running.context())).output[-1])
    assert len(shown(down(running.context())).output) == 1
