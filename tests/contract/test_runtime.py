"""What every runtime owes to its callers: observe, plan, apply, exits, logs, commands, addresses, secrets.

It uses the protocol and the neutral ``Bench`` alone: no container ids, networks, namespaces or pauses. What the Docker runtime owes
beyond this is in ``tests/contract/docker``.
"""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import (
    IdentityMismatch,
    ImageUnavailable,
    InvalidConfig,
    NexusError,
    NotFound,
    PortInUse,
    TeardownIncomplete,
)
from nexusdev.interfaces import Address, Completed, OneOff, View
from nexusdev.plan import Discard, Down, Halt, Observation, Phase, RemoveOneOffs, Restart, Start, Step, Stop
from nexusdev.stack.model import Stack
from tests.contract.bench import OWNER, STATE, Bench, with_secret

ALL = {"store-0", "relay-0", "store-1"}


def phases(observation: Observation) -> dict[str, Phase]:
    return {name: each.phase for name, each in observation.services.items()}


def all_run(observation: Observation) -> bool:
    return phases(observation) == dict.fromkeys(ALL, Phase.RUNNING)


def changed(stack: Stack, service: str, **values: object) -> Stack:
    """The stack with another definition of one service."""
    return replace(stack, services={**stack.services, service: replace(stack.services[service], **values)})


def test_an_empty_instance_has_an_empty_observation(bench: Bench) -> None:
    seen = bench.observe()
    assert not seen.anything
    assert (seen.left(), seen.owners, seen.holding_ports) == ((), frozenset(), frozenset())


def test_up_starts_every_service(bench: Bench) -> None:
    plan = bench.ask(bench.intent())
    assert set(plan.started) == ALL
    assert all_run(bench.observe())


def test_a_second_up_has_an_empty_plan(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert str(bench.runtime().plan(bench.intent())) == "nothing to do"


def test_planning_is_pure_and_deterministic(bench: Bench) -> None:
    runtime = bench.runtime()
    seen = runtime.observe()
    first, second = runtime.plan(bench.intent(), seen), runtime.plan(bench.intent(), seen)
    assert str(first) == str(second)
    assert not bench.observe().anything


def test_a_plan_uses_the_given_observation(bench: Bench) -> None:
    before = bench.observe()
    bench.ask(bench.intent())
    assert set(bench.runtime().plan(bench.intent(), before).started) == ALL


def test_every_step_is_idempotent(bench: Bench) -> None:
    runtime = bench.runtime()
    for intent in (bench.intent(), Stop(), Start(), Down(volumes=True)):
        for step in runtime.plan(intent).steps:
            runtime.apply(step)
            runtime.apply(step)
    assert not runtime.observe().anything


def test_a_step_declares_its_effects_and_needs(bench: Bench) -> None:
    up = bench.runtime().plan(bench.intent())
    assert {image for step in up.steps for image in step.images} == {bench.stack.services["store-0"].image}
    assert up.made_volumes == ("store-0",)
    assert not any(step.ends or step.removes for step in up.steps)
    bench.ask(bench.intent())
    down = bench.runtime().plan(Down(volumes=True))
    assert {name for step in down.steps for name in step.ends} == ALL
    assert [step.resource for step in down.steps if step.removes == "volumes"] == ["store-0"]
    assert not any(step.starts or step.images for step in down.steps)
    assert down.only_ends


def test_a_step_names_its_component_and_prints_its_reason(bench: Bench) -> None:
    steps = bench.runtime().plan(bench.intent()).steps
    started = {bench.stack.services[name].component for step in steps for name in step.starts}
    assert {"store", "relay"} == started
    assert "store" in {step.component for step in steps}
    for step in steps:
        assert str(step) == f"{step.action} {step.resource}: {step.reason}"
        assert step.reason
        assert {step.component} <= {"store", "relay", ""}
        assert step.component or not step.starts


def test_a_step_waits_only_for_earlier_steps(bench: Bench) -> None:
    plan = bench.runtime().plan(bench.intent())
    assert any(plan.waits_for(step) for step in plan.steps)
    for position, step in enumerate(plan.steps):
        assert all(plan.steps.index(earlier) < position for earlier in plan.waits_for(step))


def test_an_observed_service_has_component_role_owner_and_name(bench: Bench) -> None:
    bench.ask(bench.intent())
    seen = bench.observe()
    relay = seen.services["relay-0"]
    assert (relay.component, relay.role, relay.owner) == ("relay", "sidecar", OWNER)
    assert relay.word
    assert relay.object in seen.objects
    assert relay.exit is None
    assert seen.owners == {OWNER}
    assert seen.components == seen.running_components == {"store", "relay"}


def test_created_resources_name_the_state_folder(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert bench.observe().state_path == STATE


def test_volumes_are_observed_by_their_short_names(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert bench.observe().volumes == {"store-0": bench.runtime().volume_name("store-0")}


def test_down_keeps_volumes_unless_asked_to_remove_them(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Down(volumes=False))
    kept = bench.observe()
    assert (kept.services, kept.objects, list(kept.volumes)) == ({}, (), ["store-0"])
    bench.ask(Down(volumes=True))
    assert bench.observe().left() == ()


def test_down_needs_no_stack(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Down(volumes=True), stack=replace(bench.stack, services={}))
    assert not bench.observe().anything


def test_down_steps_carry_the_given_reason(bench: Bench) -> None:
    bench.ask(bench.intent())
    plan = bench.runtime().plan(Down(volumes=False, reason="its project folder is gone"))
    assert {step.reason for step in plan.steps} == {"its project folder is gone"}


def test_a_stopped_instance_can_be_started_again(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Stop())
    stopped = bench.observe()
    assert phases(stopped) == dict.fromkeys(ALL, Phase.STOPPED)
    assert {each.exit.code for each in stopped.services.values() if each.exit} <= {0}
    bench.ask(Start())
    assert all_run(bench.observe())
    assert str(bench.runtime().plan(bench.intent())) == "nothing to do"


def test_stopping_a_service_stops_its_dependents(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Stop(services=["store-0"]))
    assert phases(bench.observe())["store-1"] is Phase.RUNNING
    assert phases(bench.observe())["store-0"] is Phase.STOPPED
    bench.ask(Start(services=["relay-0"]))
    assert all_run(bench.observe())


def test_restart_stops_and_starts(bench: Bench) -> None:
    bench.ask(bench.intent())
    plan = bench.ask(Restart(services=["store-1"]))
    assert {name for step in plan.steps for name in step.ends} == {"store-1"}
    assert plan.started == ("store-1",)
    assert all_run(bench.observe())


def test_an_unknown_service_raises_not_found(bench: Bench) -> None:
    bench.ask(bench.intent())
    with pytest.raises(NotFound, match="store-9"):
        bench.runtime().plan(Start(services=["store-9"]))


def test_a_failed_service_reports_its_exit_and_up_restarts_it(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.fail("store-1")
    seen = bench.observe().services["store-1"]
    assert seen.phase in (Phase.FAILED, Phase.RESTARTING)
    assert (seen.has_ended, seen.runs) == (True, False)
    assert seen.exit is not None
    assert seen.exit.code != 0
    plan = bench.ask(bench.intent())
    assert plan.started == ("store-1",)
    assert all_run(bench.observe())


def test_a_manually_removed_service_is_recreated(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.lose("store-1")
    assert "store-1" not in bench.observe().services
    bench.ask(bench.intent())
    assert all_run(bench.observe())


def test_a_changed_definition_recreates_only_its_service(bench: Bench) -> None:
    bench.ask(bench.intent())
    other = changed(bench.stack, "store-1", environment={"COLOUR": "blue"})
    plan = bench.ask(bench.intent(other), stack=other)
    assert plan.started == ("store-1",)
    assert str(bench.runtime(other).plan(bench.intent(other))) == "nothing to do"


def test_a_service_removed_from_the_stack_is_removed(bench: Bench) -> None:
    bench.ask(bench.intent())
    fewer = replace(
        bench.stack, services={name: each for name, each in bench.stack.services.items() if name != "store-1"}
    )
    bench.ask(bench.intent(fewer), stack=fewer)
    assert set(bench.observe().services) == {"store-0", "relay-0"}


def test_only_named_components_are_created(bench: Bench) -> None:
    bench.ask(bench.intent(only=["store"]))
    assert set(bench.observe().services) == {"store-0", "store-1"}


def test_an_unwanted_service_is_removed_with_the_given_reason(bench: Bench) -> None:
    bench.ask(bench.intent())
    plan = bench.ask(bench.intent(only=["store"], unwanted={"relay-0": "the profile is without relay"}))
    assert "the profile is without relay" in str(plan)
    assert set(bench.observe().services) == {"store-0", "store-1"}


def test_discard_removes_a_service_and_its_data_and_up_recreates_both(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Discard(services={"store-0": ["store-0"]}))
    seen = bench.observe()
    assert seen.volumes == {}
    assert set(seen.services) == {"store-1"}
    plan = bench.ask(bench.intent())
    assert plan.made_volumes == ("store-0",)
    assert all_run(bench.observe())


def test_up_with_discard_removes_and_recreates_in_one_plan(bench: Bench) -> None:
    bench.ask(bench.intent())
    plan = bench.ask(bench.intent(discard={"store-0": ["store-0"]}))
    assert [step.resource for step in plan.steps if step.removes == "volumes"] == ["store-0"]
    assert plan.made_volumes == ("store-0",)
    assert all_run(bench.observe())


def test_a_missing_volume_is_recreated(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Down(volumes=False))
    bench.lose_volume("store-0")
    assert bench.runtime().plan(bench.intent()).made_volumes == ("store-0",)


def test_a_crashed_service_is_halted_and_kept_for_its_log(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.say("store-1", "goodbye")
    bench.fail("store-1")
    bench.ask(Halt(service="store-1"))
    assert bench.observe().services["store-1"].has_ended
    assert [line.text for line in bench.runtime().logs(["store-1"])][-1] == "goodbye"


def test_another_folder_cannot_take_over_the_instance(bench: Bench) -> None:
    bench.ask(bench.intent())
    runtime = bench.runtime(owner="/home/dev/other")
    with pytest.raises(IdentityMismatch, match=OWNER):
        runtime.plan(bench.intent())
    assert runtime.plan(bench.intent(former=[OWNER])) is not None


def test_two_instances_are_isolated(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert not bench.runtime(instance=f"{bench.instance}-b").observe().anything


def test_a_taken_port_error_names_its_holder(bench: Bench) -> None:
    port = bench.stack.services["store-0"].ports[0].host
    holder = bench.take_port(port)
    with pytest.raises(PortInUse, match=str(port)) as refused:
        bench.ask(bench.intent())
    assert holder in refused.value.why


def test_services_with_host_ports_are_observed(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert "store-0" in bench.observe().holding_ports


def test_a_missing_image_raises_image_unavailable(bench: Bench) -> None:
    stack = changed(bench.stack, "store-1", image="nexusdev/nowhere:1")
    bench.lacks("nexusdev/nowhere:1")
    with pytest.raises(ImageUnavailable, match="nexusdev/nowhere:1 of store-1"):
        bench.ask(bench.intent(stack), stack=stack)


def test_exits_have_code_and_time_until_the_listener_stops(bench: Bench) -> None:
    bench.ask(bench.intent())
    stop = threading.Event()
    exits = bench.runtime().watch_exits(stop)
    began = bench.runtime().now()
    bench.fail("store-1")
    exited = next(exits)
    assert (exited.service, exited.asked) == ("store-1", False)
    assert exited.exit_code != 0
    assert exited.at >= began - 1
    stop.set()
    assert list(exits) == []


@pytest.mark.parametrize("intent", [Stop(services=["store-1"]), Discard(services={"store-1": []})])
def test_a_requested_stop_is_told_apart_from_a_crash(bench: Bench, intent: Stop | Discard) -> None:
    bench.ask(bench.intent())
    stop = threading.Event()
    exits = bench.runtime().watch_exits(stop)
    bench.ask(intent)
    exited = next(exits)
    stop.set()
    assert (exited.service, exited.asked) == ("store-1", True)


def test_service_times_use_the_clock_of_the_runtime(bench: Bench) -> None:
    began = bench.runtime().now()
    bench.ask(bench.intent())
    time.sleep(0.01)
    bench.fail("store-1")
    ended = bench.observe().services["store-1"]
    assert ended.exit is not None
    assert began - 1 <= ended.since <= ended.exit.at <= bench.runtime().now() + 1


def test_logs_are_lines_by_service_and_can_be_limited(bench: Bench) -> None:
    bench.ask(bench.intent())
    for text in ("one", "two"):
        bench.say("store-1", text)
    lines = list(bench.runtime().logs(["store-1"], tail=1))
    assert [(line.service, line.text) for line in lines] == [("store-1", "two")]
    assert list(bench.runtime().logs(["store-1"], since=lines[0].at + 3600)) == []


def test_logs_of_an_unknown_service_raise_not_found(bench: Bench) -> None:
    bench.ask(bench.intent())
    with pytest.raises(NotFound, match="store-9"):
        list(bench.runtime().logs(["store-9"]))


def test_exec_passes_stdin_stdout_and_exit_code(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.answers("store-1", Completed(exit_code=3, stdout=b"!", stderr=b"oops\n"))
    done = bench.runtime().execute("store-1", ["sh", "-c", "cat; printf !; echo oops >&2; exit 3"], stdin=b"hello")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"hello!", b"oops\n")


def test_an_attached_command_uses_the_given_streams(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.answers("store-1", Completed(exit_code=4, stdout=b"!", stderr=b"no\n"))
    out, err = io.BytesIO(), io.BytesIO()
    argv = ["sh", "-c", "cat; printf !; echo no >&2; exit 4"]
    code = bench.runtime().attach("store-1", argv, stdin=io.BytesIO(b"in"), stdout=out, stderr=err, tty=False)
    assert (code, out.getvalue(), err.getvalue()) == (4, b"in!", b"no\n")


def test_exec_requires_a_running_service(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.fail("store-1")
    with pytest.raises(NotFound, match="store-1"):
        bench.runtime().execute("store-1", ["true"])
    with pytest.raises(NotFound, match="store-9"):
        bench.runtime().attach("store-9", ["true"], stdin=None, stdout=io.BytesIO(), stderr=io.BytesIO(), tty=False)


def one_off(bench: Bench, script: str, completed: Completed) -> OneOff:
    """A one-off. Without real commands, it tells its input and what is given here."""
    return OneOff(name=f"{bench.instance}-run-0", image=bench.one_off_image(completed), argv=("sh", "-c", script))


def test_a_one_off_passes_streams_and_exit_code_and_is_removed(bench: Bench) -> None:
    bench.ask(bench.intent())
    before = bench.observe().objects
    out, err = io.BytesIO(), io.BytesIO()
    wanted = one_off(bench, "cat; echo oops >&2; exit 7", Completed(exit_code=7, stderr=b"oops\n"))
    code = bench.runtime().run_one_off(wanted, stdin=io.BytesIO(b"in"), stdout=out, stderr=err, tty=False)
    assert (code, out.getvalue(), err.getvalue()) == (7, b"in", b"oops\n")
    assert bench.observe().objects == before


def test_a_one_off_requires_an_instance_and_an_image(bench: Bench) -> None:
    wanted = one_off(bench, "true", Completed(exit_code=0))
    nowhere = io.BytesIO()
    with pytest.raises(NotFound):
        bench.runtime().run_one_off(wanted, stdin=None, stdout=nowhere, stderr=nowhere, tty=False)
    bench.ask(bench.intent())
    missing = replace(wanted, image="nexusdev/nowhere:1")
    bench.lacks(missing.image)
    with pytest.raises(NotFound, match="nexusdev/nowhere:1"):
        bench.runtime().run_one_off(missing, stdin=None, stdout=nowhere, stderr=nowhere, tty=False)


def test_removing_missing_one_offs_is_a_no_op(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert not bench.runtime().plan(RemoveOneOffs(names=["run-9"], reason="it was killed"))


def test_a_step_of_another_runtime_is_refused(bench: Bench) -> None:
    with pytest.raises(NexusError, match="belongs to another runtime"):
        bench.runtime().apply(Step(action="scale", resource="store", reason="the test says so"))


def test_an_observation_of_another_runtime_is_refused(bench: Bench) -> None:
    with pytest.raises(NexusError, match="belongs to another runtime"):
        bench.runtime().plan(bench.intent(), Observation())


def test_a_volume_used_by_a_foreign_container_is_not_removed(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.mount_elsewhere("store-0")
    with pytest.raises(TeardownIncomplete):
        bench.ask(Down(volumes=True))
    assert list(bench.observe().volumes) == ["store-0"]


@pytest.mark.parametrize("view", list(View))
def test_every_alias_of_a_published_service_has_an_address(bench: Bench, view: View) -> None:
    found = bench.runtime().addresses(view)
    assert set(found) == {("store-0", 8080), ("store-primary", 8080), ("relay-0", 8080)}
    assert all(isinstance(each, Address) and each.host and each.port for each in found.values())


@pytest.mark.parametrize("view", list(View))
def test_the_ca_and_the_client_files_have_paths(bench: Bench, view: View) -> None:
    assert Path(bench.runtime().ca_path(view)).is_absolute()
    assert Path(bench.runtime().client_folder(view)).is_absolute()


def test_a_running_service_sees_the_new_value_of_a_secret(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("old")
    stack = with_secret(bench.stack, "store-1", file)
    bench.ask(bench.intent(stack), stack=stack)
    file.write_text("new")  # as the secret store does before it publishes
    bench.runtime(stack).publish_secret("word", "new")
    assert bench.file_in("store-1", "/run/secrets/word") == b"new"
    assert str(bench.runtime(stack).plan(bench.intent(stack))) == "nothing to do"


def test_publishing_an_unknown_secret_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidConfig, match="unknown-word"):
        bench.runtime().publish_secret("unknown-word", "x")


def test_every_runtime_has_its_own_advice(bench: Bench) -> None:
    advice = bench.runtime().advice
    words = (
        advice.kept_data,
        advice.kept_stopped,
        advice.ended_by,
        advice.lost_data,
        advice.elsewhere,
        advice.no_room,
        advice.more_files,
    )
    assert all(words)
