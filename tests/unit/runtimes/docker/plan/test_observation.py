"""A snapshot in neutral words, and what the steps of a plan mean to who knows nothing of containers."""

from __future__ import annotations

from typing import Any

import pytest

from nexusdev.errors import NexusError, NotFound
from nexusdev.plan import Discard, Down, Halt, Intent, Observation, Phase, RemoveOneOffs, Restart, Start, Step, Stop, Up
from nexusdev.runtimes.docker.plan.intents import plan_for
from nexusdev.runtimes.docker.plan.observation import observation_of, snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import Container, NetworkState, Snapshot, State, Volume
from nexusdev.runtimes.docker.plan.steps import docker_step
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Stack

OWNER = "/home/dev/shop"


def container(service: str = "db-0", **more: Any) -> Container:
    values: dict[str, Any] = {
        "id": f"id-{service}",
        "name": f"nexusdev-shop-{service}-1",
        "service": service,
        "component": "db",
        "state": State.RUNNING,
        "fingerprint": "",
        "owner_path": OWNER,
        **more,
    }
    return Container(**values)


@pytest.mark.parametrize(
    ("state", "exit_code", "error", "phase"),
    [
        (State.CREATED, 0, "", Phase.PENDING),
        (State.RUNNING, 0, "", Phase.RUNNING),
        (State.PAUSED, 0, "", Phase.SUSPENDED),
        (State.RESTARTING, 1, "", Phase.RESTARTING),
        (State.EXITED, 0, "", Phase.STOPPED),
        (State.EXITED, 143, "", Phase.STOPPED),
        (State.EXITED, 1, "", Phase.FAILED),
        (State.EXITED, 0, "no such device", Phase.FAILED),
        (State.DEAD, 0, "", Phase.FAILED),
    ],
)
def test_each_state_maps_to_a_phase_and_keeps_its_name(state: State, exit_code: int, error: str, phase: Phase) -> None:
    snapshot = Snapshot(containers={"db-0": container(state=state, exit_code=exit_code, error=error)})
    seen = observation_of(snapshot).services["db-0"]
    assert (seen.phase, seen.word) == (phase, state.value)


def test_only_ended_containers_have_an_exit() -> None:
    ended = container("db-1", state=State.EXITED, exit_code=137, finished_at=7.0, out_of_memory=True)
    services = observation_of(Snapshot(containers={"db-0": container(), "db-1": ended})).services
    assert services["db-0"].exit is None
    found = services["db-1"].exit
    assert found is not None
    assert (found.code, found.at, found.out_of_memory) == (137, 7.0, True)


def test_all_resources_are_listed_including_orphans_and_one_offs() -> None:
    snapshot = Snapshot(
        containers={"db-0": container()},
        orphans=(container("db-1", name="mine", owner_path="/home/ann/shop"),),
        one_offs=(container("", name="run-1"),),
        network=NetworkState(id="n", full_name="nexusdev-shop_nexus", subnet="10.213.0.0/24"),
        volumes={"db-0": Volume(name="db-0", full_name="nexusdev-shop_db-0", state_path="/state")},
    )
    seen = observation_of(snapshot)
    assert seen.left(volumes=False) == (
        "container nexusdev-shop-db-0-1",
        "container mine",
        "container run-1",
        "network nexusdev-shop_nexus",
    )
    assert seen.left()[-1] == "volume nexusdev-shop_db-0"
    assert seen.owners == {OWNER, "/home/ann/shop"}
    assert seen.holding_ports == {"db-0", "db-1"}
    assert seen.state_path == "/state"


def test_a_foreign_container_name_is_a_problem_with_a_fix() -> None:
    (problem,) = observation_of(Snapshot(name_conflicts={"db-0": "postgres:17"})).problems
    assert problem.evidence == "container names of db-0 are in use by other containers"
    assert problem.fix == "docker ps -a"


def test_values_of_another_runtime_are_refused() -> None:
    with pytest.raises(NexusError, match="observation belongs to another runtime"):
        snapshot_of(Observation())
    with pytest.raises(NexusError, match=r"step .* belongs to another runtime"):
        docker_step(Step(action="apply", resource="db", reason="it changed"))


def test_steps_of_up_declare_what_they_create_need_and_start(stack: Stack) -> None:
    plan = plan_for(Up(stack=stack, fingerprints=fingerprints(stack)), Snapshot(), owner_path=OWNER)
    assert plan.made_volumes == ("db-0", "db-1")
    assert set(plan.started) == set(stack.services)
    for step in plan.steps:
        service = stack.services.get(step.resource)
        if step.action == "create" and service:
            assert (step.images, step.component, step.starts) == ((service.image,), service.component, frozenset())
        if step.action == "start":
            assert (step.starts, step.images) == (frozenset({step.resource}), ())
    assert not plan.only_ends


def test_steps_of_down_declare_what_they_end_and_remove() -> None:
    snapshot = Snapshot(
        containers={"db-0": container()},
        network=NetworkState(id="n", full_name="nexusdev-shop_nexus", subnet="10.213.0.0/24"),
        volumes={"db-0": Volume(name="db-0", full_name="nexusdev-shop_db-0")},
    )
    plan = plan_for(Down(volumes=True), snapshot, owner_path=OWNER)
    assert [(step.resource, step.removes) for step in plan.steps] == [
        ("db-0", "containers"),
        ("nexus", "networks"),
        ("db-0", "volumes"),
    ]
    assert (plan.steps[0].ends, plan.steps[0].component) == (frozenset({"db-0"}), "db")
    assert plan.steps[2].component == ""
    assert plan.only_ends


def test_a_crashed_service_is_halted_in_any_state() -> None:
    snapshot = Snapshot(containers={"db-0": container(state=State.EXITED, exit_code=1)})
    assert str(plan_for(Stop(services=["db-0"]), snapshot, owner_path=OWNER)) == "nothing to do"
    assert str(plan_for(Halt(service="db-0"), snapshot, owner_path=OWNER)) == "stop db-0: it crashed"
    assert str(plan_for(Halt(service="db-9"), snapshot, owner_path=OWNER)) == "nothing to do"


def test_only_named_one_offs_are_removed() -> None:
    snapshot = Snapshot(one_offs=(container("", name="run-1"), container("", name="run-2")))
    plan = plan_for(RemoveOneOffs(names=["run-2"], reason="it was killed"), snapshot, owner_path=OWNER)
    assert str(plan) == "remove run-2: it was killed"


def test_discarded_resources_are_recreated_in_the_same_plan(stack: Stack) -> None:
    volume = Volume(name="db-0", full_name="shop_db-0", owner_path=OWNER)
    intent = Up(stack=stack, fingerprints=fingerprints(stack), discard={"db-0": ["db-0"]})
    words = str(plan_for(intent, Snapshot(volumes={"db-0": volume}), owner_path=OWNER)).splitlines()
    assert words[0] == "remove volume db-0: its component starts with empty data"
    assert "create volume db-0: it does not exist" in words


def test_discard_names_the_command_to_repeat() -> None:
    volume = Volume(name="db-0", full_name="shop_db-0", strangers=("web",))
    with pytest.raises(NexusError) as refused:
        plan_for(
            Discard(services={"db-0": ["db-0"]}, command="destroy db-0"),
            Snapshot(volumes={"db-0": volume}),
            owner_path=OWNER,
        )
    assert "nexusdev destroy db-0" in refused.value.hint


@pytest.mark.parametrize("intent", [Start(), Restart(), Start(services=["db-0"])])
@pytest.mark.parametrize("network", [None, NetworkState(id="n", full_name="nexusdev-shop_nexus", subnet="10.0.0.0/24")])
def test_starting_a_service_without_its_network_points_to_up(intent: Intent, network: NetworkState | None) -> None:
    stopped = container(state=State.EXITED, attached=False)
    snapshot = Snapshot(containers={"db-0": stopped}, network=network)
    with pytest.raises(NotFound) as caught:
        plan_for(intent, snapshot, owner_path=OWNER)
    assert (caught.value.code, caught.value.exit_status) == ("NETWORK_MISSING", 3)
    assert caught.value.hint.startswith("nexusdev up ")


def test_a_service_without_its_network_is_a_problem_fixed_by_up() -> None:
    (problem,) = observation_of(Snapshot(containers={"db-0": container(state=State.EXITED)})).problems
    assert (problem.evidence, problem.fix) == ("the network of the containers is missing", "nexusdev up")
    assert observation_of(Snapshot()).problems == ()
