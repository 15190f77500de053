"""stop, start, restart, down, destroy: of what is there, by label alone where nothing else is needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from nexusdev.context import Context
from nexusdev.errors import (
    CrashedDuringStart,
    IdentityMismatch,
    NotFound,
    PreflightFailed,
    TeardownIncomplete,
    UsageError,
)
from nexusdev.operations import destroy
from nexusdev.operations.down import down
from nexusdev.operations.lifecycle import StartResult, restart, start, stop
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.docker.plan.steps import Action
from tests.fakes import House, shown


def states(house: House) -> dict[str, State]:
    return {container.service: container.state for container in house.engine.containers.values()}


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    house.redis.calls.clear()
    return house


def test_stop_keeps_every_container(running: House) -> None:
    outcome = stop(running.context())
    assert set(states(running).values()) == {State.EXITED}
    assert sorted(shown(outcome).data["stopped"]) == ["gateway-rw", "redis-0", "redis-1"]


def test_stop_of_one_component_leaves_the_others_running(running: House) -> None:
    stop(running.context(), ["redis"])
    assert states(running)["gateway-rw"] is State.RUNNING
    assert states(running)["redis-0"] is State.EXITED


def test_a_second_stop_is_a_no_op(running: House) -> None:
    stop(running.context())
    assert shown(stop(running.context())).output == ("nothing to do: it is not running",)


def test_start_waits_until_it_is_ready_and_seeds_nothing(running: House) -> None:
    stop(running.context())
    running.redis.sentences = ["no master yet"] * 3
    outcome = start(running.context())
    assert set(states(running).values()) == {State.RUNNING}
    assert shown(outcome).data["ready"] == ["redis", "gateway"]
    assert "seed" not in running.redis.calls
    assert not running.redis.sentences


def test_a_crash_during_start_is_reported(running: House) -> None:
    stop(running.context(), ["redis-1"])
    running.engine.crashes["redis-1"] = 2
    with pytest.raises(CrashedDuringStart, match="redis-1"):
        start(running.context())


def test_restart_affects_only_the_named_services(running: House) -> None:
    before = len(running.engine.done)
    restart(running.context(), ["redis-1"])
    done = [(step.action, step.resource) for step in running.engine.done[before:]]
    assert done == [(Action.STOP, "redis-1"), (Action.START, "redis-1")]


def test_restart_waits_only_for_components_of_named_services(running: House) -> None:
    running.gateway.sentences = ["a role has no server"] * 100_000
    assert shown(restart(running.context(), ["redis-1"])).data["ready"] == ["redis"]


def test_an_unknown_name_suggests_the_nearest(running: House) -> None:
    with pytest.raises(UsageError) as error:
        stop(running.context(), ["redis-O"])
    assert "redis-0" in error.value.why


def test_stop_and_start_without_an_instance_raise_not_found(house: House) -> None:
    for command in (stop, restart):
        with pytest.raises(NotFound):
            command(house.context())


def test_down_removes_containers_and_network_and_keeps_the_data(running: House) -> None:
    outcome = down(running.context())
    assert not running.engine.containers
    assert not running.engine.networks
    assert len(running.engine.volumes) == 2
    assert shown(outcome).data["removed"]["networks"] == ["nexus"]


def test_down_needs_no_state_no_stack_and_no_project(running: House) -> None:
    shutil.rmtree(running.folder / "state")
    (running.folder / "compose" / "stack.yaml").write_text("this: is no stack")
    down(running.context())
    assert not running.engine.containers


def test_a_second_down_is_a_no_op(running: House) -> None:
    down(running.context())
    assert shown(down(running.context())).output == ("nothing to do: this instance has no containers",)


def test_resources_left_after_down_are_named(running: House) -> None:
    name = running.container("redis-1")

    class Stubborn(type(running.engine.containers)):  # type: ignore[misc]
        def __delitem__(self, key: str) -> None:
            if self[key].name != name:
                super().__delitem__(key)

    running.engine.containers = Stubborn(running.engine.containers)
    running.engine.networks.clear()
    with pytest.raises(TeardownIncomplete) as error:
        down(running.context())
    assert error.value.evidence == (f"container {name}",)
    assert error.value.exit_status == 8


def test_destroy_removes_data_secrets_and_the_env_file(running: House) -> None:
    destroy.destroy(running.context())
    assert not running.engine.volumes
    assert not (running.folder / "state" / "instances" / "shop").exists()
    assert not (running.project / ".env.nexusdev").exists()


def test_destroy_keeps_a_foreign_env_file(running: House) -> None:
    (running.project / ".env.nexusdev").write_text("PGHOST=production\n")
    destroy.destroy(running.context())
    assert (running.project / ".env.nexusdev").read_text() == "PGHOST=production\n"


def test_destroy_works_with_an_unreadable_state(running: House) -> None:
    (running.folder / "state" / "instances" / "shop" / "instance.json").write_text("{")
    destroy.destroy(running.context())
    assert not running.engine.containers
    assert destroy.question(running.context()) is None


def test_the_confirmation_of_destroy_lists_the_losses(running: House) -> None:
    assert destroy.question(running.context()) == "destroy shop: 3 containers and 2 volumes with all data?"


def test_the_instance_of_another_folder_is_not_removed(running: House) -> None:
    (running.folder / "thief").mkdir()
    thief = House(folder=running.folder / "thief", provider=running.provider)
    with pytest.raises(IdentityMismatch) as error:
        down(thief.context())
    assert str(running.project) in error.value.why
    assert len(running.engine.containers) == 3


def test_an_abandoned_instance_can_be_removed_from_anywhere(running: House) -> None:
    (running.folder / "heir").mkdir()
    heir = House(folder=running.folder / "heir", provider=running.provider)
    shutil.rmtree(running.project)
    down(heir.context())
    assert not running.engine.containers


@pytest.mark.parametrize("act", [start, restart])
def test_a_wrong_clock_is_named_before_anything_is_stopped(
    running: House, act: Callable[[Context], StartResult]
) -> None:
    before = states(running)
    running.engine.clock_skew = -7200.0
    with pytest.raises(PreflightFailed) as caught:
        act(running.context())
    assert caught.value.code == "CLOCK_SKEW"
    assert states(running) == before
