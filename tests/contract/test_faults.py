"""What every runtime that injects faults owes to its callers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from nexusdev.errors import NotFound, UsageError
from nexusdev.faults import Fault, FaultInjector
from nexusdev.interfaces import ServiceExit
from nexusdev.plan import Phase
from tests.contract.worlds import Bench, MemoryBench


@pytest.fixture
def faults(bench: Bench) -> FaultInjector:
    """The injector of an instance that is up."""
    bench.up()
    injector = bench.runtime().faults
    assert injector is not None
    return injector


def phase(bench: Bench, service: str) -> Phase:
    return bench.runtime().observe().services[service].phase


def comes(condition: Callable[[], object], *, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())


def test_a_runtime_says_which_faults_it_supports(faults: FaultInjector) -> None:
    assert all(faults.supports(fault) for fault in Fault)


def test_a_killed_service_has_failed_and_stays_down(bench: Bench, faults: FaultInjector) -> None:
    faults.inject(Fault.KILL, "store-1")
    assert comes(lambda: phase(bench, "store-1") is Phase.FAILED)
    found = bench.runtime().observe().services["store-1"].exit
    assert found is not None
    assert found.code == 137


def test_a_crash_ends_the_service_with_an_error_that_nobody_asked_for(bench: Bench, faults: FaultInjector) -> None:
    stop, heard = threading.Event(), list[ServiceExit]()
    exits = bench.runtime().watch_exits(stop)
    threading.Thread(target=lambda: heard.extend([next(exits)]), daemon=True).start()
    before = bench.runtime().now()
    faults.inject(Fault.CRASH, "store-1")
    assert comes(lambda: heard)
    stop.set()
    assert (heard[0].service, heard[0].asked) == ("store-1", False)
    assert heard[0].exit_code not in (0, 143)
    assert heard[0].at >= before - 1.0
    assert phase(bench, "store-1") is Phase.FAILED


def test_a_paused_service_is_suspended_until_it_is_resumed(bench: Bench, faults: FaultInjector) -> None:
    faults.inject(Fault.PAUSE, "store-1")
    assert phase(bench, "store-1") is Phase.SUSPENDED
    faults.inject(Fault.RESUME, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING


def test_pausing_and_resuming_twice_is_the_same_as_once(bench: Bench, faults: FaultInjector) -> None:
    for _ in range(2):
        faults.inject(Fault.PAUSE, "store-1")
    assert phase(bench, "store-1") is Phase.SUSPENDED
    for _ in range(2):
        faults.inject(Fault.RESUME, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING


def test_a_partitioned_service_runs_and_is_whole_again_when_healed(bench: Bench, faults: FaultInjector) -> None:
    faults.inject(Fault.PARTITION, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING
    assert bench.plan()
    faults.inject(Fault.HEAL, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING
    assert str(bench.plan()) == "nothing to do"


def test_a_partitioned_service_is_not_reached_and_a_healed_one_is(bench: Bench, faults: FaultInjector) -> None:
    if isinstance(bench, MemoryBench):
        pytest.skip("nothing is reached over a network in memory")
    runtime = bench.runtime()

    def routes() -> int:
        return len(runtime.execute("store-1", ["cat", "/proc/net/route"]).stdout.splitlines())

    whole = routes()
    faults.inject(Fault.PARTITION, "store-1")
    assert routes() < whole
    faults.inject(Fault.HEAL, "store-1")
    assert routes() == whole


def test_partitioning_and_healing_twice_is_the_same_as_once(bench: Bench, faults: FaultInjector) -> None:
    for fault in (Fault.PARTITION, Fault.PARTITION, Fault.HEAL, Fault.HEAL):
        faults.inject(fault, "store-1")
    assert str(bench.plan()) == "nothing to do"


def test_a_sidecar_is_partitioned_with_the_service_whose_network_it_shares(faults: FaultInjector) -> None:
    with pytest.raises(UsageError, match="relay-0 cannot be partitioned alone") as raised:
        faults.inject(Fault.PARTITION, "relay-0")
    assert raised.value.why == "it shares the network of store-0"


@pytest.mark.parametrize("fault", list(Fault))
def test_what_does_not_run_takes_no_fault(bench: Bench, faults: FaultInjector, fault: Fault) -> None:
    bench.hand("remove", bench.container("store-1"))
    with pytest.raises(NotFound, match="store-1 has no running container"):
        faults.inject(fault, "store-1")


def test_only_the_service_that_is_named_is_touched(bench: Bench, faults: FaultInjector) -> None:
    faults.inject(Fault.KILL, "store-1")
    assert comes(lambda: phase(bench, "store-1") is Phase.FAILED)
    assert (phase(bench, "store-0"), phase(bench, "relay-0")) == (Phase.RUNNING, Phase.RUNNING)


def test_a_foreign_container_of_the_same_name_is_never_touched(bench: Bench, faults: FaultInjector) -> None:
    bench.hand("remove", bench.container("store-1"))
    bench.add_stranger(bench.container("store-1"))
    for fault in Fault:
        with pytest.raises(NotFound):
            faults.inject(fault, "store-1")
