"""drill on an engine in memory: what it measures, what it brings back, and what it leaves to the next command."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.drills import ClientGoal, LoadKind, Scenario, Victim
from nexusdev.drills import undo
from nexusdev.errors import ConfirmationNeeded, Degraded, UsageError
from nexusdev.events import Note
from nexusdev.faults import Fault
from nexusdev.interfaces import View
from nexusdev.operations import drill as operation
from nexusdev.operations.drill import DrillOptions, drill, drill_list
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.memory.faults import MemoryFaults
from nexusdev.util.connections import clients_of
from tests.fakes import FakeComponent, House, shown

QUICK = DrillOptions(warm_up=0.0, settle=0.0, confirmed=True)


def scenario(fault: Fault = Fault.KILL, **goals: Any) -> Scenario:
    return Scenario(
        name=f"redis-{fault}",
        hypothesis="The others go on.",
        fault=fault,
        victim=Victim(group="redis"),
        clients={"redis.direct": ClientGoal(**{"write_gap": 10.0, "linearizable": True, **goals})},
        hold=0.0,
        detect=None if fault is Fault.PARTITION else 10.0,  # the component in memory does not notice it
    )


@dataclass
class Numbers:
    """The servers' memory; ``forget`` loses what was acknowledged."""

    stored: set[int] = field(default_factory=set)
    register: int | None = None
    forgets: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class NumbersClient:
    numbers: Numbers

    def connect(self) -> None:
        pass

    def write(self, number: int) -> None:
        with self.numbers.lock:
            self.numbers.register = number
            if not self.numbers.forgets:
                self.numbers.stored.add(number)

    def read(self) -> int | None:
        with self.numbers.lock:
            return self.numbers.register

    def stored(self) -> set[int]:
        return set(self.numbers.stored)

    def close(self) -> None:
        pass


@dataclass(kw_only=True)
class DrilledComponent(FakeComponent):
    """A component in memory with drills. ``on_prepare``: called when its load is prepared."""

    known: tuple[Scenario, ...] = (scenario(), scenario(Fault.PAUSE), scenario(Fault.PARTITION))
    numbers: Numbers = field(default_factory=Numbers)
    removed: list[str] = field(default_factory=list)
    kinds: tuple[LoadKind, ...] = (LoadKind(name="direct", path="REDIS_PLACE", register=True),)
    interruption: BaseException | None = None
    failures: int = 0

    def scenarios(self) -> Sequence[Scenario]:
        return self.known

    def load(self) -> DrilledComponent:
        return self

    def statuses(self, facts: Any) -> Sequence[ServiceStatus]:
        here = threading.current_thread() is threading.main_thread()
        if self.interruption and here and not self.removed and self.numbers.stored:
            raise self.interruption
        return super().statuses(facts)

    def client(self, arguments: Any, *more: Any) -> Any:
        return NumbersClient(self.numbers) if more else super().client(arguments)

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        if self.failures:
            self.failures -= 1
            raise TimeoutError("read timed out")
        self.removed.append(mark)


@pytest.fixture
def redis() -> DrilledComponent:
    return DrilledComponent(name="redis")


@pytest.fixture
def house(tmp_path: Path, redis: DrilledComponent, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))  # for the command line
    house = House(folder=tmp_path, redis=redis)
    up(house.context())
    return house


def folder(house: House) -> Path:
    return house.context().instance().folder


def states(house: House) -> set[State]:
    return {container.state for container in house.engine.containers.values()}


@pytest.mark.parametrize("name", ["redis-kill", "redis-pause", "redis-partition"])
def test_everything_runs_and_is_proven_after_a_drill(house: House, redis: DrilledComponent, name: str) -> None:
    result = drill(house.context(), [name], QUICK)
    (report,) = result.drills
    assert report.met, report.missed
    assert result.error is None
    assert report.rounds[0].victims == ("redis-1",)
    assert states(house) == {State.RUNNING}
    assert all(container.network_id for container in house.engine.containers.values())
    assert len(redis.removed) == 1
    assert not (folder(house) / undo.FILE).exists()


def test_every_round_is_measured(house: House) -> None:
    result = drill(house.context(), ["redis-kill"], replace(QUICK, rounds=2))
    assert len(result.drills[0].rounds) == 2


def test_a_missed_target_is_exit_4(house: House, redis: DrilledComponent) -> None:
    redis.numbers.forgets = True
    result = drill(house.context(), ["redis-kill"], QUICK)
    assert result.error is not None
    assert result.error.exit_status == 4
    assert result.error.code == "TARGET_MISSED"
    assert "redis.direct lost writes" in result.error.evidence[0]
    assert states(house) == {State.RUNNING}


def test_the_named_server_is_hit(house: House) -> None:
    options = DrillOptions(target="redis-0", warm_up=0.0, settle=0.0, confirmed=True)
    assert drill(house.context(), ["redis-kill"], options).drills[0].rounds[0].victims == ("redis-0",)


def test_a_server_that_the_drill_does_not_mean_is_refused(house: House) -> None:
    options = DrillOptions(target="gateway-rw", warm_up=0.0, settle=0.0, confirmed=True)
    with pytest.raises(UsageError, match="does not hit gateway-rw"):
        drill(house.context(), ["redis-kill"], options)
    assert not (folder(house) / undo.FILE).exists()


def test_an_unknown_drill_is_refused_with_the_nearest(house: House) -> None:
    with pytest.raises(UsageError, match="no drill redis-kil") as raised:
        drill(house.context(), ["redis-kil"], QUICK)
    assert "redis-kill" in raised.value.hint


def test_a_stack_that_is_not_ready_is_not_drilled(house: House, redis: DrilledComponent) -> None:
    redis.sentences = ["redis-1 still copies"] * 99
    with pytest.raises(Degraded, match="needs a healthy stack"):
        drill(house.context(), ["redis-kill"], QUICK)


def test_an_interrupted_drill_is_undone(house: House, redis: DrilledComponent) -> None:
    redis.interruption = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        drill(house.context(), ["redis-kill"], QUICK)
    assert states(house) == {State.RUNNING}
    assert not (folder(house) / undo.FILE).exists()


def killed(house: House) -> None:
    """What ``kill -9`` leaves of a drill."""
    context = house.context()
    runtime = context.runtime(context.stack(context.instance()))
    assert runtime.faults
    runtime.faults.inject(Fault.PAUSE, "redis-1")
    record = undo.Unfinished(
        drill="redis-pause",
        victims=("redis-1",),
        running=("gateway-rw", "redis-0", "redis-1"),
        mark="drill_1",
        loads=("redis",),
        began=1.0,
        fault="pause",
    )
    undo.write(folder(house), record)


def test_the_next_command_undoes_a_killed_drill_and_says_so(house: House, redis: DrilledComponent) -> None:
    killed(house)
    typed = house.type("status")
    assert typed.status == 0
    assert "the drill redis-pause was killed before its end; undoing what it did" in typed.err
    assert "the drill redis-pause is undone" in typed.err
    assert states(house) == {State.RUNNING}
    assert redis.removed == ["drill_1"]
    assert house.type("status").err == ""


def test_a_failure_that_is_over_when_the_injection_returns_was_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    inject = MemoryFaults.inject

    def slowly(faults: MemoryFaults, fault: Fault, *services: str) -> None:
        inject(faults, fault, *services)
        time.sleep(1.5)
        next(each for each in house.engine.containers.values() if each.service in services).state = State.RUNNING

    monkeypatch.setattr(MemoryFaults, "inject", slowly)
    result = drill(house.context(), ["redis-kill"], QUICK)
    assert result.drills[0].rounds[0].detected is not None
    assert result.drills[0].met


@pytest.mark.parametrize(("failures", "warned"), [(2, False), (99, True)])
def test_what_a_drill_wrote_is_removed_although_a_server_is_slow(
    house: House, redis: DrilledComponent, monkeypatch: pytest.MonkeyPatch, failures: int, warned: bool
) -> None:
    monkeypatch.setattr("nexusdev.operations.drill_baseline._PAUSE", 0.0)
    redis.failures = failures
    result = drill(house.context(), ["redis-kill"], QUICK)
    assert result.error is None
    assert len(redis.removed) == (0 if warned else 1)
    assert any("was not removed: TimeoutError" in each.text for each in house.heard.of(Note)) is warned


def test_a_command_that_uses_no_server_leaves_it(house: House) -> None:
    killed(house)
    assert "undoing" not in house.type("ports").err
    assert (folder(house) / undo.FILE).exists()


def test_a_drill_that_runs_is_not_undone_by_another_command(house: House) -> None:
    killed(house)
    with undo.working(folder(house)):
        assert "undoing" not in house.type("status").err


def test_there_is_nothing_to_undo_after_down(house: House) -> None:
    killed(house)
    assert house.type("down").status == 0
    operation.heal(house.context())
    assert not (folder(house) / undo.FILE).exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="connections are read from /proc")
def test_an_instance_that_others_use_is_not_drilled_without_yes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # the instance's own port may be in use on this machine
        port = server.getsockname()[1]
        asked: list[set[int]] = []

        def clients(ports: set[int]) -> tuple[str, ...]:
            asked.append(ports)
            return clients_of({port})

        monkeypatch.setattr(operation, "clients_of", clients)
        program = f"import socket, sys; s = socket.create_connection(('127.0.0.1', {port})); sys.stdin.read()"
        client = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        accepted, _ = server.accept()
        try:
            with pytest.raises(ConfirmationNeeded, match="others use instance shop") as raised:
                drill(house.context(), ["redis-kill"], DrillOptions(warm_up=0.0, settle=0.0))
        finally:
            client.communicate()
            accepted.close()
    context = house.context()
    addresses = context.runtime(context.stack(context.instance())).addresses(View.HOST)
    assert asked == [{address.port for address in addresses.values()}]
    assert f"(pid {client.pid}): 1 connection" in raised.value.evidence[0]
    assert states(house) == {State.RUNNING}


def test_the_list_needs_no_instance_and_says_what_is_missing(tmp_path: Path, redis: DrilledComponent) -> None:
    typed = House(folder=tmp_path, redis=redis).type("drill", "list")
    assert typed.status == 0
    assert "redis-partition" in typed.out
    assert "slow network, packet loss" in typed.out


def test_the_events_tell_the_story(house: House) -> None:
    drill(house.context(), ["redis-kill"], QUICK)
    told = [each.text for each in house.heard.of(Note)]
    assert any(each == "kill: redis-1" for each in told)
    assert told[-1] == "the baseline is ready and proven"


def test_the_result_is_shown_with_measured_and_target(house: House) -> None:
    result = shown(drill(house.context(), ["redis-kill"], QUICK))
    assert result.data["drills"][0]["met"] is True
    assert result.data["drills"][0]["rounds"][0]["victims"] == ("redis-1",)


def test_drill_list_names_every_scenario(house: House) -> None:
    found = drill_list(house.context())
    assert [name for name, _ in found.scenarios] == ["redis"]
