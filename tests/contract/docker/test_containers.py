"""Containers, networks and names on a Docker engine and on the engine in memory that imitates it."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest
from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch, ImageUnavailable, NotFound, PortInUse, PreflightFailed, TeardownIncomplete
from nexusdev.interfaces import Completed, OneOff
from nexusdev.runtimes.docker.plan.lifecycle import plan_restart, plan_start, plan_stop
from nexusdev.runtimes.docker.plan.observation import snapshot_of
from nexusdev.runtimes.docker.plan.snapshot import Snapshot, State
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.docker.plan.teardown import plan_down
from nexusdev.stack.model import Port
from tests.contract.bench import STATE
from tests.contract.docker.bench import EngineBench


def states(snapshot: Snapshot) -> dict[str, str]:
    return {name: str(container.state) for name, container in snapshot.containers.items()}


ALL_RUN = {"store-0": "running", "relay-0": "running", "store-1": "running"}


def test_an_empty_engine_has_nothing_to_observe(bench: EngineBench) -> None:
    assert bench.snapshot() == Snapshot()


def test_up_creates_everything_and_a_second_plan_is_empty(bench: EngineBench) -> None:
    seen = bench.up()
    assert states(seen) == ALL_RUN
    assert list(seen.volumes) == ["store-0"]
    assert seen.network is not None
    assert seen.network.subnet == bench.stack.network.subnet
    assert seen.containers["relay-0"].namespace_of == seen.containers["store-0"].id
    assert str(bench.plan()) == "nothing to do"


def test_each_step_names_the_component_of_its_own_service(bench: EngineBench) -> None:
    assert {step.component for step in bench.plan().steps} == {"store", "relay", ""}


def test_every_step_is_idempotent(bench: EngineBench) -> None:
    runtime = bench.runtime()
    for step in bench.plan().steps:
        runtime.apply(step)
        runtime.apply(step)
    seen = snapshot_of(runtime.observe())
    assert states(seen) == ALL_RUN
    for step in plan_stop(seen).steps:
        runtime.apply(step)
        runtime.apply(step)
    for step in plan_down(seen, volumes=True).steps:
        runtime.apply(step)
        if step.action != "stop":
            runtime.apply(step)
    assert snapshot_of(runtime.observe()) == Snapshot()


def test_down_keeps_the_volumes_and_destroy_does_not(bench: EngineBench) -> None:
    bench.walk(plan_down(bench.up(), volumes=False))
    seen = bench.snapshot()
    assert (seen.containers, seen.network, list(seen.volumes)) == ({}, None, ["store-0"])
    bench.walk(plan_down(seen, volumes=True))
    assert bench.snapshot() == Snapshot()


def test_a_teardown_needs_no_stack(bench: EngineBench) -> None:
    bench.up()
    bare = replace(bench.stack, services={})
    runtime = bench.runtime(bare)
    for step in plan_down(snapshot_of(runtime.observe()), volumes=True).steps:
        runtime.apply(step)
    assert bench.snapshot() == Snapshot()


def test_stop_and_start_keep_the_containers(bench: EngineBench) -> None:
    before = bench.up()
    bench.walk(plan_stop(before))
    stopped = bench.snapshot()
    assert set(states(stopped).values()) == {"exited"}
    assert stopped.containers["store-0"].exit_code == 0
    assert stopped.containers["store-0"].finished_at >= stopped.containers["store-0"].started_at > 0
    bench.walk(plan_start(stopped))
    after = bench.snapshot()
    assert states(after) == ALL_RUN
    assert {c.id for c in after.containers.values()} == {c.id for c in before.containers.values()}
    assert str(bench.plan()) == "nothing to do"


def test_a_killed_container_reports_its_exit_code_and_is_restarted(bench: EngineBench) -> None:
    bench.up()
    bench.hand("kill", bench.container("store-1"))
    seen = bench.snapshot()
    assert (seen.containers["store-1"].state, seen.containers["store-1"].exit_code) == (State.EXITED, 137)
    assert str(bench.plan()) == "start store-1: it exited with code 137"
    assert states(bench.up()) == ALL_RUN


def test_killing_a_network_owner_disconnects_its_sidecar(bench: EngineBench) -> None:
    bench.up()
    bench.hand("kill", bench.container("store-0"))
    assert str(bench.plan()).splitlines() == [
        "start store-0: it exited with code 137",
        "stop relay-0: it shares the network of store-0, which is being started",
        "start relay-0: it shares the network of store-0, which is being started",
    ]
    assert states(bench.up()) == ALL_RUN
    assert str(bench.plan()) == "nothing to do"


def test_an_owner_restarted_without_its_sidecar_is_detected(bench: EngineBench) -> None:
    bench.up()
    bench.hand("restart", bench.container("store-0"))
    reason = "store-0, whose network it shares, was started after it"
    assert str(bench.plan()).splitlines() == [f"stop relay-0: {reason}", f"start relay-0: {reason}"]
    bench.up()
    assert str(bench.plan()) == "nothing to do"


def test_a_paused_container_can_be_unpaused_stopped_and_removed(bench: EngineBench) -> None:
    bench.up()
    bench.hand("pause", bench.container("store-1"))
    assert str(bench.plan()) == "unpause store-1: it is paused"
    assert states(bench.up()) == ALL_RUN
    bench.hand("pause", bench.container("store-1"))
    bench.hand("pause", bench.container("store-0"))
    bench.walk(plan_stop(bench.snapshot(), ["store-1"]))
    assert states(bench.snapshot())["store-1"] == "exited"
    bench.down()
    assert bench.snapshot() == Snapshot()


def test_a_manually_removed_container_is_recreated(bench: EngineBench) -> None:
    bench.up()
    bench.hand("remove", bench.container("store-1"))
    assert str(bench.plan()).splitlines() == ["create store-1: it does not exist", "start store-1: it does not exist"]
    assert states(bench.up()) == ALL_RUN


def test_a_manually_renamed_container_is_replaced(bench: EngineBench) -> None:
    bench.up()
    bench.hand("rename", bench.container("store-1"), f"{bench.project}-mine")
    seen = bench.snapshot()
    assert [orphan.service for orphan in seen.orphans] == ["store-1"]
    assert str(bench.plan()).splitlines() == [
        f"remove {bench.project}-mine: it is labeled as store-1 but has another name",
        f"create store-1: its container was renamed to {bench.project}-mine",
        f"start store-1: its container was renamed to {bench.project}-mine",
    ]
    assert states(bench.up()) == ALL_RUN


def test_a_disconnected_container_is_recreated(bench: EngineBench) -> None:
    bench.up()
    bench.hand("disconnect", bench.container("store-1"))
    assert str(bench.plan()).splitlines()[0] == "remove store-1: it is not attached to the network nexus"
    assert states(bench.up()) == ALL_RUN
    assert str(bench.plan()) == "nothing to do"


def test_stopped_containers_without_their_network_are_recreated(bench: EngineBench) -> None:
    bench.walk(plan_stop(bench.up()))
    bench.hand("remove_network", f"{bench.project}_nexus")
    assert states(bench.up()) == ALL_RUN
    assert str(bench.plan()) == "nothing to do"


def test_a_changed_service_is_recreated_with_its_sidecars_only(bench: EngineBench) -> None:
    before = bench.up()
    store = replace(bench.stack.services["store-0"], environment={"COLOUR": "blue"})
    changed = replace(bench.stack, services={**bench.stack.services, "store-0": store})
    after = bench.up(changed)
    same = {name for name in after.containers if after.containers[name].id == before.containers[name].id}
    assert same == {"store-1"}
    assert states(after) == ALL_RUN


def test_a_changed_subnet_recreates_the_network(bench: EngineBench) -> None:
    bench.up()
    other = replace(bench.stack, network=replace(bench.stack.network, subnet="10.248.77.0/24"))
    moved = {
        name: replace(service, address=service.address and f"10.248.77.{service.address.rpartition('.')[2]}")
        for name, service in other.services.items()
    }
    after = bench.up(replace(other, services=moved))
    assert after.network is not None
    assert after.network.subnet == "10.248.77.0/24"
    assert states(after) == ALL_RUN


def test_a_foreign_container_with_our_name_is_refused_and_left_alone(bench: EngineBench) -> None:
    image = bench.add_stranger(bench.container("store-1"))
    assert bench.snapshot().name_conflicts == {"store-1": image}
    with pytest.raises(IdentityMismatch, match="store-1") as refused:
        bench.plan()
    assert image in refused.value.why
    towards = bench.plan(snapshot=Snapshot())
    with pytest.raises(IdentityMismatch) as late:
        bench.walk(towards)
    assert late.value.code == "FOREIGN_CONTAINER"
    assert image in late.value.why
    bench.down()
    assert bench.snapshot().name_conflicts == {"store-1": image}


def test_another_folder_cannot_take_over_the_instance(bench: EngineBench) -> None:
    bench.up()
    bench.owner = "/home/dev/other"
    with pytest.raises(IdentityMismatch, match="/home/dev/shop"):
        bench.plan()
    bench.owner = "/home/dev/shop"


def test_created_resources_name_the_state_folder(bench: EngineBench) -> None:
    seen = bench.up()
    made = [each.state_path for each in seen.containers.values()] + [each.state_path for each in seen.volumes.values()]
    assert made == [STATE] * 4


def test_a_taken_port_error_names_its_holder(bench: EngineBench) -> None:
    port = bench.stack.services["store-0"].ports[0].host
    bench.add_stranger(f"{bench.project}-holder", port=port)
    with pytest.raises(PortInUse, match=str(port)) as refused:
        bench.up()
    assert f"{bench.project}-holder" in refused.value.why
    assert states(bench.snapshot())["store-0"] == "created"


def test_a_missing_image_raises_image_unavailable(bench: EngineBench) -> None:
    store = replace(bench.stack.services["store-1"], image="nexusdev/nowhere:1")
    stack = replace(bench.stack, services={"store-1": store})
    bench.lacks("nexusdev/nowhere:1")
    with pytest.raises(ImageUnavailable, match="nexusdev/nowhere:1 of store-1"):
        bench.up(stack)


def test_a_foreign_network_of_the_same_name_is_refused_and_left_alone(bench: EngineBench) -> None:
    name = bench.add_foreign_network()
    with pytest.raises(IdentityMismatch) as refused:
        bench.up()
    assert refused.value.code == "FOREIGN_NETWORK"
    assert name in refused.value.message
    assert states(bench.snapshot()) == {}
    with pytest.raises(IdentityMismatch):
        bench.up()


def test_an_overlapping_network_is_named(bench: EngineBench) -> None:
    bench.up()
    project = bench.project
    bench.project = f"{project}-b"
    try:
        with pytest.raises(PreflightFailed) as refused:
            bench.walk(bench.plan())
    finally:
        bench.project = project
    assert refused.value.code == "SUBNET_IN_USE"
    assert f"{project}_nexus" in refused.value.why


def test_exits_are_reported_until_the_listener_stops(bench: EngineBench) -> None:
    bench.up()
    stop = threading.Event()
    exits = bench.runtime().watch_exits(stop)
    bench.hand("kill", bench.container("store-1"))
    exited = next(exits)
    assert (exited.service, exited.exit_code, exited.asked) == ("store-1", 137, False)
    assert exited.at > 0
    stop.set()
    assert list(exits) == []


@pytest.mark.parametrize("act", [Action.STOP, Action.REMOVE])
def test_a_requested_stop_is_told_apart_from_a_crash(bench: EngineBench, act: Action) -> None:
    bench.up()
    stop = threading.Event()
    exits = bench.runtime().watch_exits(stop)
    there = bench.snapshot().containers["store-1"]
    bench.runtime().apply(DockerStep(action=act, resource="store-1", reason="the test says so", target=there.id))
    exited = next(exits)
    stop.set()
    assert (exited.service, exited.asked) == ("store-1", True)


def test_exec_requires_a_running_container(bench: EngineBench) -> None:
    bench.up()
    assert bench.runtime().execute("store-1", ["true"]).exit_code == 0
    bench.hand("kill", bench.container("store-1"))
    with pytest.raises(NotFound, match="store-1 has no running container"):
        bench.runtime().execute("store-1", ["true"])
    with pytest.raises(NotFound, match="store-9"):
        bench.runtime().attach("store-9", ["true"], stdin=None, stdout=io.BytesIO(), stderr=io.BytesIO(), tty=False)


def test_logs_of_an_unknown_service_raise_not_found(bench: EngineBench) -> None:
    bench.up()
    with pytest.raises(NotFound, match="store-9 has no container"):
        list(bench.runtime().logs(["store-9"]))


def test_restart_of_an_owner_restarts_its_sidecar(bench: EngineBench) -> None:
    before = bench.up()
    towards = plan_restart(before, ["store-0"])
    assert [f"{step.action} {step.resource}" for step in towards.steps] == [
        "stop relay-0",
        "stop store-0",
        "start store-0",
        "start relay-0",
    ]
    bench.walk(towards)
    assert states(bench.snapshot()) == ALL_RUN
    assert str(bench.plan()) == "nothing to do"


def test_two_instances_on_one_engine_are_isolated(bench: EngineBench) -> None:
    bench.up()
    project, stack = bench.project, bench.stack
    bench.project = f"{project}-b"
    try:
        assert bench.snapshot() == Snapshot()
    finally:
        bench.project, bench.stack = project, stack


def test_a_port_can_move_between_services_in_one_up(bench: EngineBench) -> None:
    bench.up()
    port = bench.stack.services["store-0"].ports[0]
    first = replace(bench.stack.services["store-0"], ports=())
    second = replace(bench.stack.services["store-1"], ports=(Port(host=port.host, container=port.container),))
    swapped = replace(bench.stack, services={**bench.stack.services, "store-0": first, "store-1": second})
    assert states(bench.up(swapped)) == ALL_RUN


def test_a_volume_removed_with_its_container_is_recreated(bench: EngineBench) -> None:
    bench.up()
    bench.hand("remove", bench.container("relay-0"))
    bench.hand("remove", bench.container("store-0"))
    bench.hand("remove_volume", f"{bench.project}_store-0")
    assert str(bench.plan()).splitlines()[0] == "create volume store-0: it does not exist"
    assert states(bench.up()) == ALL_RUN


def test_ended_containers_report_their_start_time(bench: EngineBench) -> None:
    bench.up()
    time.sleep(0.01)
    bench.hand("kill", bench.container("store-1"))
    ended = bench.snapshot().containers["store-1"]
    assert ended.finished_at > ended.started_at > 0


def test_removing_a_network_names_foreign_containers_on_it(bench: EngineBench) -> None:
    network = bench.up().network
    assert network is not None
    assert network.strangers == ()
    name = f"{bench.project}-stranger"
    bench.add_stranger(name)
    bench.hand("connect", name, network.full_name)
    seen = bench.snapshot()
    assert seen.network is not None
    assert seen.network.strangers == (name,)
    *containers, last = plan_down(seen, volumes=False).steps
    for step in containers:
        bench.runtime().apply(step)
    with pytest.raises(TeardownIncomplete) as caught:
        bench.runtime().apply(last)
    assert caught.value.code == "NETWORK_IN_USE"
    assert caught.value.hint.splitlines()[0] == f"docker network disconnect {network.full_name} {name}"
    bench.hand("remove", name)
    bench.runtime().apply(last)
    assert bench.snapshot().network is None


def test_removing_a_volume_names_foreign_containers_that_use_it(bench: EngineBench) -> None:
    volume = bench.up().volumes["store-0"]
    assert volume.strangers == ()
    name = f"{bench.project}-stranger"
    bench.add_stranger(name, volume=volume.full_name)
    bench.hand("kill", name)
    seen = bench.snapshot()
    assert seen.volumes["store-0"].strangers == (name,)
    *others, last = plan_down(seen, volumes=True).steps
    for step in others:
        bench.runtime().apply(step)
    with pytest.raises(TeardownIncomplete) as caught:
        bench.runtime().apply(last)
    assert caught.value.code == "VOLUME_IN_USE"
    assert name in caught.value.message
    bench.hand("remove", name)
    bench.runtime().apply(last)
    assert bench.snapshot() == Snapshot()


def one_off(bench: EngineBench, script: str, completed: Completed | None = None) -> OneOff:
    """A throw-away container that runs a line of shell; in memory it says what is told here, behind its input."""

    def answer(_argv: tuple[str, ...], stdin: bytes | None) -> Completed:
        output = completed or Completed(exit_code=0)
        return replace(output, stdout=(stdin or b"") + output.stdout)

    name = f"{bench.project}-run-0"
    return OneOff(name=name, image=bench.teach(answer), argv=("sh", "-c", script), environment={"WHO": "me"})


def test_a_one_off_passes_streams_and_exit_code_and_is_removed(bench: EngineBench) -> None:
    bench.up()
    out, err = io.BytesIO(), io.BytesIO()
    wanted = one_off(
        bench, "cat; echo $WHO; echo oops >&2; exit 7", Completed(exit_code=7, stdout=b"me\n", stderr=b"oops\n")
    )
    code = bench.runtime().run_one_off(wanted, stdin=io.BytesIO(b"in\n"), stdout=out, stderr=err, tty=False)
    assert (code, out.getvalue(), err.getvalue()) == (7, b"in\nme\n", b"oops\n")
    assert bench.snapshot().one_offs == ()


def test_a_one_off_without_input_ends(bench: EngineBench) -> None:
    bench.up()
    out = io.BytesIO()
    code = bench.runtime().run_one_off(one_off(bench, "cat"), stdin=None, stdout=out, stderr=out, tty=False)
    assert (code, out.getvalue()) == (0, b"")


def test_a_one_off_requires_a_running_instance_and_an_image(bench: EngineBench) -> None:
    nowhere = io.BytesIO()
    with pytest.raises(NotFound, match="does not run"):
        bench.runtime().run_one_off(one_off(bench, "true"), stdin=None, stdout=nowhere, stderr=nowhere, tty=False)
    bench.up()
    missing = replace(one_off(bench, "true"), image="nexusdev-nobody-has/this:1")
    bench.lacks(missing.image)
    with pytest.raises(NotFound, match="there is no image"):
        bench.runtime().run_one_off(missing, stdin=None, stdout=nowhere, stderr=nowhere, tty=False)


def test_a_running_one_off_is_no_orphan_and_down_removes_it(bench: EngineBench) -> None:
    bench.up()
    reading, writing = os.pipe()
    stop, codes, nowhere = threading.Event(), list[int](), io.BytesIO()
    exits = bench.runtime().watch_exits(stop)
    with os.fdopen(reading, "rb") as stdin:
        wanted = one_off(bench, "cat")
        thread = threading.Thread(
            target=lambda: codes.append(
                bench.runtime().run_one_off(wanted, stdin=stdin, stdout=nowhere, stderr=nowhere, tty=False)
            )
        )
        thread.start()
        seen = until_seen(bench)
        assert (seen.orphans, states(seen)) == ((), ALL_RUN)
        assert str(bench.plan()) == "nothing to do"
        first, *_ = plan_down(seen, volumes=False).steps
        assert str(first) == f"remove {wanted.name}: the instance is taken down"
        bench.runtime().apply(first)
        os.close(writing)
        thread.join(timeout=20)
    assert bench.snapshot().one_offs == ()
    assert codes == [137]
    bench.hand("kill", bench.container("store-1"))
    assert next(exits).service == "store-1"
    stop.set()


def until_seen(bench: EngineBench) -> Snapshot:
    """What there is once the throw-away container runs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        seen = bench.snapshot()
        if seen.one_offs and seen.one_offs[0].state is State.RUNNING:
            return seen
        time.sleep(0.02)
    raise AssertionError("it never ran")
