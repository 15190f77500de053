"""Only a server that has provably ended is fenced."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from nexusdev.components.drills import Fencing
from nexusdev.deploy.fencing import fencing, has_ended
from nexusdev.faults import Fault
from nexusdev.interfaces import InstanceAccess, ServiceExit
from nexusdev.operations.up import up
from nexusdev.plan import Observation, ObservedService, Phase
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from tests.fakes import FakeComponent, House


def observation(phase: Phase) -> Observation:
    return Observation(services={"redis-0": ObservedService(service="redis-0", component="redis", phase=phase)})


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.FAILED])
def test_an_ended_server_has_ended(phase: Phase) -> None:
    assert has_ended(ServiceExit(service="redis-0", exit_code=137, at=1.0), observation(phase))


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.SUSPENDED, Phase.PENDING, Phase.RESTARTING])
def test_a_server_that_runs_or_is_about_to_has_not_ended(phase: Phase) -> None:
    assert not has_ended(ServiceExit(service="redis-0", exit_code=137, at=1.0), observation(phase))


def test_a_server_that_the_runtime_lost_sight_of_has_not_provably_ended() -> None:
    assert not has_ended(ServiceExit(service="redis-9", exit_code=137, at=1.0), observation(Phase.FAILED))


class FencedComponent(FakeComponent):
    """Remembers what it was told to fence."""

    def fence(self, access: InstanceAccess, service: str) -> Fencing:
        self.calls.append(f"fence {service}")
        return Fencing(service=service, done="fenced")


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(folder=tmp_path)
    house.redis = FencedComponent(name="redis")
    up(house.context())
    return house


def broken(house: House, fault: Fault) -> list[Fencing]:
    """What is told after a fault of redis-0."""
    context = house.context()
    instance = context.instance()
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack), stack)
    told: list[Fencing] = []
    assert access.runtime.faults
    with fencing(access, context.components, told.append):
        access.runtime.faults.inject(fault, "redis-0")
        end = time.monotonic() + 1.0
        while not told and time.monotonic() < end:
            time.sleep(0.01)
    return told


def test_a_killed_server_is_fenced(house: House) -> None:
    assert broken(house, Fault.KILL) == [Fencing(service="redis-0", done="fenced")]


@pytest.mark.parametrize("fault", [Fault.PAUSE, Fault.PARTITION])
def test_a_paused_or_unreachable_server_is_never_fenced(house: House, fault: Fault) -> None:
    assert broken(house, fault) == []
    assert not [each for each in house.redis.calls if each.startswith("fence")]


def late(monkeypatch: pytest.MonkeyPatch, looks: float) -> None:
    """Let the runtime show redis-0 as running for so many looks after its end."""
    observe, left = MemoryRuntime.observe, [looks]

    def observed(runtime: MemoryRuntime) -> Observation:
        seen = observe(runtime)
        if seen.services["redis-0"].phase is not Phase.FAILED or left[0] <= 0:
            return seen
        left[0] -= 1
        return observation(Phase.RUNNING)

    monkeypatch.setattr(MemoryRuntime, "observe", observed)


def test_an_exit_that_the_runtime_reports_before_it_shows_it_is_fenced(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(monkeypatch, 3)
    assert broken(house, Fault.KILL) == [Fencing(service="redis-0", done="fenced")]


def test_a_server_that_goes_on_to_be_shown_as_running_is_not_fenced(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexusdev.deploy.fencing.SHOWN_WITHIN", 0.3)
    late(monkeypatch, math.inf)
    (told,) = broken(house, Fault.KILL)
    assert (told.done, told.why) == ("", "it runs again, or its end is not proven")
    assert "fence redis-0" not in house.redis.calls
