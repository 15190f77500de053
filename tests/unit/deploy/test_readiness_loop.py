"""The readiness loop: what it waits for, what it says meanwhile, and everything that ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.contract import Readiness
from nexusdev.deploy.exit_monitor import ExitMonitor, cause, crash
from nexusdev.deploy.readiness_loop import LONGEST, SHORTEST, TimeIsUp, Wait, late, pause_after, until_ready
from nexusdev.errors import NexusError, SeedingFailed
from nexusdev.events import ComponentReady, ComponentWaits, PreparationFailed
from nexusdev.interfaces import InstanceAccess, ServiceExit
from nexusdev.plan import Exit, ObservedService, Phase
from nexusdev.runtimes.memory.runtime import FakeEngine, MemoryRuntime
from nexusdev.stack.model import Service
from tests.access import instance_access
from tests.fakes import FakeClock, FakeComponent, Heard

REDIS = Service(name="redis-0", image="nexusdev/redis:1", component="redis", group="redis", memory_bytes=256 * 2**20)


def access() -> InstanceAccess:
    nowhere = Path("/nonexistent")
    return instance_access(
        nowhere,
        nonce="n",
        runtime=MemoryRuntime(project="nexusdev-shop", instance="shop"),
    )


def wait_for(component: FakeComponent, *, clock: FakeClock, heard: Heard, deadline: float = 1e9, **more: Any) -> Wait:
    return until_ready(
        component,
        access(),
        clock=clock,
        deadline=lambda: deadline,
        tell=heard.tell,
        check=more.pop("check", lambda: None),
        **more,
    )


def test_each_wait_is_recorded_with_its_times() -> None:
    clock, heard = FakeClock(at=0.0), Heard()
    component = FakeComponent(name="redis", sentences=["no master"] * 4 + ["1 of 2 replicas"] * 2)
    wait = wait_for(component, clock=clock, heard=heard)
    assert [reason.missing for reason in wait.reasons] == ["no master", "1 of 2 replicas"]
    assert [round(reason.ended - reason.began, 2) for reason in wait.reasons] == [0.2, 0.1]
    assert wait.missing == ""


def test_a_sentence_is_reported_only_when_it_changes() -> None:
    heard = Heard()
    component = FakeComponent(name="redis", sentences=["a", "a", "b", "a"])
    wait_for(component, clock=FakeClock(), heard=heard)
    assert [event.missing for event in heard.of(ComponentWaits)] == ["a", "b", "a"]
    assert len(heard.of(ComponentReady)) == 1


def test_a_component_prepares_between_probes_until_ready() -> None:
    component = FakeComponent(name="vault", sentences=["not initialized", "sealed"])
    wait_for(component, clock=FakeClock(), heard=Heard())
    assert component.calls == ["prepare", "prepare"]


def test_a_preparation_refused_by_a_busy_server_is_retried() -> None:
    class Busy(FakeComponent):
        def prepare(self, access: Any, facts: Any) -> None:
            super().prepare(access, facts)
            raise TimeoutError("The read operation timed out")

    component, heard = Busy(name="minio", sentences=["no bucket yet"] * 3), Heard()
    wait_for(component, clock=FakeClock(), heard=heard)
    assert component.calls == ["prepare"] * 3
    # told once, not after each probe
    told = [(event.component, event.why) for event in heard.of(PreparationFailed)]
    assert told == [("minio", "TimeoutError: The read operation timed out")]


def test_the_deadline_error_names_what_is_missing() -> None:
    component = FakeComponent(name="redis", sentences=["no master"] * 1000)
    with pytest.raises(TimeIsUp) as ended:
        wait_for(component, clock=FakeClock(at=0.0), heard=Heard(), deadline=3.0)
    assert ended.value.wait.missing == "no master"


def test_seeding_starts_as_soon_as_possible_and_runs_once() -> None:
    component = FakeComponent(name="redis", sentences=["replicas still copy"] * 5, seedable=True)
    seeded: list[int] = []
    wait_for(component, clock=FakeClock(), heard=Heard(), seed=lambda: seeded.append(len(component.sentences)))
    assert seeded == [4]


def test_repeated_seeding_failures_on_a_ready_component_end_the_wait() -> None:
    def refuse() -> None:
        raise SeedingFailed("no")

    clock = FakeClock(at=0.0)
    with pytest.raises(SeedingFailed):
        wait_for(FakeComponent(name="redis"), clock=clock, heard=Heard(), seed=refuse)
    assert 9.0 < clock.now() < 11.0


def test_the_deadline_error_of_an_unseeded_component_names_the_refusal() -> None:
    def refuse() -> None:
        raise SeedingFailed("permission denied to create extension")

    component = FakeComponent(name="redis", sentences=["no extension"] * 1000, seedable=True)
    with pytest.raises(TimeIsUp) as ended:
        wait_for(component, clock=FakeClock(at=0.0), heard=Heard(), deadline=30.0, seed=refuse)
    assert ended.value.refusal is not None
    assert ended.value.refusal.message == "permission denied to create extension"


def test_a_leader_lost_during_seeding_may_return() -> None:
    refusals = [SeedingFailed("no node is active"), SeedingFailed("no node is active")]

    def refuse_twice() -> None:
        if refusals:
            raise refusals.pop()

    wait = wait_for(FakeComponent(name="redis"), clock=FakeClock(), heard=Heard(), seed=refuse_twice)
    assert not wait.missing
    assert not refusals


def test_a_failing_check_ends_the_loop_between_probes() -> None:
    def object_() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for(FakeComponent(name="redis"), clock=FakeClock(), heard=Heard(), check=object_)


@pytest.mark.parametrize(("cost", "pause"), [(0.001, SHORTEST), (0.07, 0.07), (2.0, LONGEST)])
def test_probing_takes_at_most_half_of_the_time(cost: float, pause: float) -> None:
    assert pause_after(cost) == pause


def test_each_new_verdict_starts_a_new_wait() -> None:
    wait = Wait(component="redis", began=0.0)
    wait = wait.after(Readiness(missing="a"), 1.0).after(Readiness(missing="a"), 2.0).after(Readiness(), 3.0)
    assert (wait.streak, wait.reasons[0].began, wait.reasons[0].ended, wait.missing) == (1, 1.0, 3.0, "")
    assert wait.after(Readiness(missing="b"), 4.0).streak == 0


class TestExitMonitor:
    """Who is watched, from when on."""

    def monitor(self, world: FakeEngine, **service: Any) -> ExitMonitor:
        runtime = MemoryRuntime(project="nexusdev-shop", instance="shop", engine=world)
        values = {"name": "redis-0", "image": "i", "component": "redis", "group": "redis", **service}
        return ExitMonitor(runtime=runtime, services={"redis-0": Service(**values)})

    def notice(self, monitor: ExitMonitor, *, at: float) -> ServiceExit | None:
        monitor._exits.append(ServiceExit(service="redis-0", exit_code=1, at=at))
        return monitor.crashed()

    def test_an_exit_after_the_start_is_a_crash(self) -> None:
        monitor = self.monitor(FakeEngine())
        monitor.watch("redis-0")
        exited = self.notice(monitor, at=1_000_002.0)
        assert exited is not None
        assert monitor.lasted(exited) == 1.0

    def test_an_exit_before_the_start_is_no_crash(self) -> None:
        monitor = self.monitor(FakeEngine())
        monitor.watch("redis-0")
        assert self.notice(monitor, at=999_999.0) is None

    def test_a_released_service_is_no_crash(self) -> None:
        monitor = self.monitor(FakeEngine())
        monitor.watch("redis-0")
        monitor.release("redis-0")
        assert self.notice(monitor, at=1_000_002.0) is None

    def test_a_requested_stop_is_no_crash_if_tolerated(self) -> None:
        asked = ServiceExit(service="redis-0", exit_code=0, at=1_000_002.0, asked=True)
        for forgiving in (True, False):
            monitor = self.monitor(FakeEngine())
            monitor.forgiving = forgiving
            monitor.watch("redis-0")
            monitor._exits.append(asked)
            assert monitor.crashed() is (None if forgiving else asked)

    def test_the_exit_of_an_optional_service_is_no_crash(self) -> None:
        monitor = self.monitor(FakeEngine(), optional=True)
        monitor.watch("redis-0")
        assert self.notice(monitor, at=1_000_002.0) is None

    def test_exits_are_received_while_the_monitor_is_open(self) -> None:
        world = FakeEngine()
        heard = threading.Event()

        class Listening(MemoryRuntime, frozen=True):
            def now(self) -> float:
                return world.now

            def watch_exits(self, stop: threading.Event) -> Iterator[ServiceExit]:
                yield ServiceExit(service="redis-0", exit_code=3, at=world.now + 1)
                heard.set()
                stop.wait(5)

        monitor = ExitMonitor(runtime=Listening(project="nexusdev-shop", instance="shop"), services={"redis-0": REDIS})
        monitor.watch("redis-0")
        with monitor:
            assert heard.wait(5)
            exited = monitor.crashed()
        assert exited is not None
        assert exited.exit_code == 3


@pytest.mark.parametrize("bug", [KeyError("id"), NexusError("step x belongs to another runtime")])
def test_an_error_in_the_monitor_thread_is_raised_to_the_reader(bug: Exception) -> None:
    class Failing(MemoryRuntime, frozen=True):
        def watch_exits(self, stop: threading.Event) -> Iterator[ServiceExit]:
            raise bug

    def read_for_5_s(monitor: ExitMonitor) -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            monitor.crashed()

    runtime = Failing(project="nexusdev-shop", instance="shop")
    with ExitMonitor(runtime=runtime, services={}) as monitor, pytest.raises(type(bug)) as raised:
        read_for_5_s(monitor)
    assert raised.value is bug


def failed(**more: Any) -> ObservedService:
    return ObservedService(
        service="redis-0", component="redis", phase=Phase.FAILED, word="exited", exit=Exit(code=1, **more)
    )


@pytest.mark.parametrize(
    ("exit_code", "there", "words"),
    [
        (137, failed(out_of_memory=True), "it was killed because it ran out of memory; its limit is 256 MiB"),
        (127, failed(), "its command cannot be executed in image nexusdev/redis:1"),
        (139, failed(), "it was terminated by signal 11"),
        (0, failed(), "it exited without an error, but a server must keep running"),
        (1, failed(reason="no such device"), "no such device"),
        (1, None, ""),
    ],
)
def test_an_exit_code_is_explained(exit_code: int, there: ObservedService | None, words: str) -> None:
    assert cause(exit_code, REDIS, there) == words


def test_a_crash_error_names_service_time_reason_and_next_command() -> None:
    exited = ServiceExit(service="redis-0", exit_code=1, at=12.3)
    error = crash(exited, REDIS, failed(), ["FATAL: bad config"], lasted=2.34)
    assert error.message == "redis is not ready: redis-0 exited (code 1) 2.3 s after its start"
    assert error.evidence == ("FATAL: bad config",)
    assert error.hint.startswith("nexusdev logs redis-0")


def test_a_service_stopped_from_outside_has_no_log_evidence() -> None:
    exited = ServiceExit(service="redis-0", exit_code=0, at=12.3, asked=True)
    error = crash(exited, REDIS, failed(), ["# Sentinel is now ready to exit, bye bye..."], ended_by="docker stop")
    assert error.message == "redis is not ready: redis-0 was stopped"
    assert "docker stop" in error.why
    assert error.evidence == ()


def test_the_log_explains_an_uninformative_exit_code() -> None:
    exited = ServiceExit(service="redis-0", exit_code=1, at=12.3)
    log = ["starts", "# Invalid AOF manifest file format ", "bye"]
    assert crash(exited, REDIS, failed(), log).why == "its log contains: # Invalid AOF manifest file format"
    assert crash(exited, REDIS, failed(), ["starts", "bye"]).why == ""


def test_time_spent_waiting_for_another_command_is_reported_separately() -> None:
    error = late({"redis": "no master"}, 60, waited=40.0)
    assert error.message == "redis is not ready after 60 s (including 40 s waiting for another command)"


def test_several_late_components_are_reported_in_one_error() -> None:
    error = late({"a": "no a", "b": "no b"}, 60)
    assert error.message == "a and b are not ready after 60 s"
    assert error.evidence == ("a: no a", "b: no b")
