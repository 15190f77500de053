"""The walk over a plan: order, parallelism, gates, failures."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence

import pytest

from nexusdev.deploy.executor import PlanExecutor, predecessors
from nexusdev.errors import RuntimeSlow
from nexusdev.plan import Plan, Step


def step(act: str, subject: str, *after: str) -> Step:
    return Step(action=act, resource=subject, reason="it is not there", after=after)


PLAN = Plan(
    steps=(
        step("create network", "nexus"),
        step("create", "a", "nexus"),
        step("start", "a"),
        step("create", "b", "nexus"),
        step("start", "b", "a"),
        step("start", "c", "b"),
    )
)


def test_every_step_runs_once_after_its_predecessors() -> None:
    done: list[str] = []
    PlanExecutor(plan=PLAN, execute_step=lambda each, _after: done.append(f"{each.action} {each.resource}")).run()
    assert len(done) == len(set(done)) == len(PLAN.steps)
    for one in PLAN.steps:
        for earlier in PLAN.waits_for(one):
            assert done.index(f"{earlier.action} {earlier.resource}") < done.index(f"{one.action} {one.resource}")


def test_predecessors_match_those_of_the_plan() -> None:
    before = predecessors(PLAN)
    for position, one in enumerate(PLAN.steps):
        assert {PLAN.steps[each] for each in before[position]} == set(PLAN.waits_for(one))


def test_the_thread_of_a_step_is_named_after_it() -> None:
    names: list[str] = []
    plan = Plan(steps=(step("create", "db-0"), step("start", "db-0")))
    PlanExecutor(plan=plan, execute_step=lambda _step, _after: names.append(threading.current_thread().name)).run()
    assert names == ["create-db-0", "start-db-0"]


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_parallelism_is_limited(parallel: int) -> None:
    together, most, lock = 0, 0, threading.Lock()

    def execute_step(_step: Step, _after: Sequence[Step]) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.01)
        with lock:
            together -= 1

    PlanExecutor(
        plan=Plan(steps=tuple(step("start", str(n)) for n in range(8))), execute_step=execute_step, parallel=parallel
    ).run()
    assert most == parallel


def test_a_failed_step_ends_the_execution_after_running_steps_end() -> None:
    done: list[str] = []

    def execute_step(each: Step, _after: Sequence[Step]) -> None:
        if each.resource == "bad":
            raise ValueError("refused")
        time.sleep(0.05)
        done.append(each.resource)

    plan = Plan(steps=(step("start", "good"), step("start", "bad"), step("start", "never", "bad")))
    with pytest.raises(ValueError, match="refused"):
        PlanExecutor(plan=plan, execute_step=execute_step).run()
    assert done == ["good"]


def test_a_closed_gate_delays_only_its_step() -> None:
    done: list[str] = []
    plan = Plan(steps=(step("create", "built"), step("create", "there")))
    PlanExecutor(
        plan=plan,
        execute_step=lambda each, _after: done.append(each.resource),
        gate=lambda each: each.resource == "there" or "there" in done,
    ).run()
    assert done == ["there", "built"]


def test_an_interruption_lets_running_steps_end_and_starts_no_others() -> None:
    done: list[str] = []

    def check() -> None:
        if done:
            raise KeyboardInterrupt

    plan = Plan(steps=(step("start", "a"), step("start", "b", "a")))
    with pytest.raises(KeyboardInterrupt):
        PlanExecutor(plan=plan, execute_step=lambda each, _after: done.append(each.resource), check=check).run()
    assert done == ["a"]


def test_a_failed_execution_reports_the_steps_it_waits_for() -> None:
    slow, told = threading.Event(), list[str]()

    def execute_step(each: Step, _after: Sequence[Step]) -> None:
        if each.resource == "b":
            raise ZeroDivisionError("by zero")
        slow.wait(30)

    def settling(seconds: float, running: Sequence[str]) -> None:
        assert 0 < seconds <= 15
        told.extend(running)
        slow.set()

    plan = Plan(steps=(step("start", "a"), step("start", "b")))
    with pytest.raises(ZeroDivisionError):
        PlanExecutor(plan=plan, execute_step=execute_step, settling=settling).run()
    assert told == ["start-a"]


def test_a_failed_step_names_itself_in_its_traceback() -> None:
    def fail(_step: Step, _after: Sequence[Step]) -> None:
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError) as raised:
        PlanExecutor(plan=Plan(steps=(step("create", "redis-0"),)), execute_step=fail).run()
    assert "in the step: create redis-0: it is not there" in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("late", [1, 2])
def test_a_timed_out_step_is_retried_and_reported(late: int) -> None:
    done: list[str] = []
    told: list[str] = []

    def execute_step(each: Step, _after: Sequence[Step]) -> None:
        done.append(each.resource)
        if done.count("a") <= late:
            raise RuntimeSlow("the engine is too slow")

    PlanExecutor(
        plan=Plan(steps=(step("start", "a"),)), execute_step=execute_step, slow=lambda each: told.append(each.resource)
    ).run()
    assert done == ["a"] * (late + 1)
    assert told == ["a"] * late


def test_a_persistently_slow_runtime_raises_runtime_slow() -> None:
    done: list[Step] = []

    def execute_step(each: Step, _after: Sequence[Step]) -> None:
        done.append(each)
        raise RuntimeSlow("the engine is too slow")

    with pytest.raises(RuntimeSlow):
        PlanExecutor(plan=Plan(steps=(step("start", "a"),)), execute_step=execute_step).run()
    assert len(done) == 3


def waits(plan: Plan, *, parallel: int) -> dict[str, list[str]]:
    """The name of each step → the names of the steps that it waited for."""
    seen: dict[str, list[str]] = {}

    def execute_step(each: Step, after: Sequence[Step]) -> None:
        seen[f"{each.action} {each.resource}"] = [f"{one.action} {one.resource}" for one in after]

    PlanExecutor(plan=plan, execute_step=execute_step, parallel=parallel).run()
    return seen


def test_a_step_gets_its_predecessors_and_no_others() -> None:
    assert waits(PLAN, parallel=len(PLAN.steps)) == {
        f"{each.action} {each.resource}": [f"{one.action} {one.resource}" for one in PLAN.waits_for(each)]
        for each in PLAN.steps
    }


def test_a_step_gets_the_step_whose_slot_it_uses() -> None:
    plan = Plan(steps=tuple(step("start", name) for name in ("a", "b", "c")))
    assert waits(plan, parallel=1) == {"start a": [], "start b": ["start a"], "start c": ["start b"]}
    assert waits(plan, parallel=3) == {"start a": [], "start b": [], "start c": []}


def test_a_step_uses_the_slot_that_was_freed_first() -> None:
    long, seen = threading.Event(), dict[str, list[str]]()

    def execute_step(each: Step, after: Sequence[Step]) -> None:
        seen[each.resource] = [one.resource for one in after]
        if each.resource == "long":
            assert long.wait(10)
        if each.resource == "last":
            long.set()

    plan = Plan(steps=tuple(step("start", name) for name in ("long", "short", "next", "last")))
    PlanExecutor(plan=plan, execute_step=execute_step, parallel=2).run()
    assert seen == {"long": [], "short": [], "next": ["short"], "last": ["next"]}


def test_completed_and_incomplete_steps_are_known_after_a_failure() -> None:
    failed = threading.Event()

    def execute_step(each: Step, _after: Sequence[Step]) -> None:
        if each.resource == "bad":
            failed.set()
            raise ValueError("refused")
        if each.resource == "slow":
            assert failed.wait(10)
            time.sleep(0.1)

    names = ("first", "bad", "slow", "never")
    after = {"bad": ("first",), "slow": ("first",), "never": ("bad",)}
    plan = Plan(steps=tuple(step("start", name, *after.get(name, ())) for name in names))
    executor = PlanExecutor(plan=plan, execute_step=execute_step)
    with pytest.raises(ValueError, match="refused"):
        executor.run()
    assert [each.resource for each in executor.completed] == ["first", "slow"]
    assert [each.resource for each in executor.incomplete] == ["bad"]
