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
from tests.contract.bench import Bench


def phase(bench: Bench, service: str) -> Phase:
    return bench.runtime().observe().services[service].phase


def comes(condition: Callable[[], object], *, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())


def needs(faults: FaultInjector, *wanted: Fault) -> None:
    """Skips the test where the runtime cannot do this."""
    if missing := [fault for fault in wanted if not faults.supports(fault)]:
        pytest.skip(f"the runtime does not support {missing[0]}")


def test_implied_faults_are_supported_together(faults: FaultInjector) -> None:
    assert any(faults.supports(fault) for fault in Fault)
    assert faults.supports(Fault.PAUSE) == faults.supports(Fault.RESUME)
    assert faults.supports(Fault.PARTITION) == faults.supports(Fault.HEAL)


def test_an_unsupported_fault_is_refused(bench: Bench, faults: FaultInjector) -> None:
    unsupported = [fault for fault in Fault if not faults.supports(fault)]
    if not unsupported:
        pytest.skip("the runtime supports every fault")
    for fault in unsupported:
        with pytest.raises(UsageError, match=fault.value):
            faults.inject(fault, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING


def test_a_fault_hits_every_named_service_although_one_does_not_run(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.PAUSE)
    with pytest.raises(NotFound, match="nobody"):
        faults.inject(Fault.PAUSE, "nobody", "store-0", "store-1")
    assert (phase(bench, "store-0"), phase(bench, "store-1")) == (Phase.SUSPENDED, Phase.SUSPENDED)
    faults.inject(Fault.RESUME, "store-0", "store-1")
    assert (phase(bench, "store-0"), phase(bench, "store-1")) == (Phase.RUNNING, Phase.RUNNING)


def test_a_killed_service_has_failed_and_stays_down(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.KILL)
    faults.inject(Fault.KILL, "store-1")
    assert comes(lambda: phase(bench, "store-1") is Phase.FAILED)
    found = bench.runtime().observe().services["store-1"].exit
    assert found is not None
    assert found.code == 137


def test_a_crash_ends_the_service_with_an_unrequested_error(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.CRASH)
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


def test_a_paused_service_is_suspended_until_it_is_resumed(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.PAUSE)
    faults.inject(Fault.PAUSE, "store-1")
    assert phase(bench, "store-1") is Phase.SUSPENDED
    faults.inject(Fault.RESUME, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING


def test_pausing_and_resuming_are_idempotent(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.PAUSE)
    for _ in range(2):
        faults.inject(Fault.PAUSE, "store-1")
    assert phase(bench, "store-1") is Phase.SUSPENDED
    for _ in range(2):
        faults.inject(Fault.RESUME, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING


def test_a_partitioned_service_keeps_running_and_recovers_when_healed(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.PARTITION)
    faults.inject(Fault.PARTITION, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING
    assert bench.runtime().plan(bench.intent())
    faults.inject(Fault.HEAL, "store-1")
    assert phase(bench, "store-1") is Phase.RUNNING
    assert str(bench.runtime().plan(bench.intent())) == "nothing to do"


def test_partitioning_and_healing_are_idempotent(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.PARTITION)
    for fault in (Fault.PARTITION, Fault.PARTITION, Fault.HEAL, Fault.HEAL):
        faults.inject(fault, "store-1")
    assert str(bench.runtime().plan(bench.intent())) == "nothing to do"


def test_a_sidecar_is_partitioned_with_the_service_whose_network_it_shares(faults: FaultInjector) -> None:
    needs(faults, Fault.PARTITION)
    with pytest.raises(UsageError, match="relay-0 cannot be partitioned alone") as raised:
        faults.inject(Fault.PARTITION, "relay-0")
    assert raised.value.why == "it shares the network of store-0"


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_on_a_stopped_service_is_refused(bench: Bench, faults: FaultInjector, fault: Fault) -> None:
    needs(faults, fault)
    bench.lose("store-1")
    with pytest.raises(NotFound, match="store-1"):
        faults.inject(fault, "store-1")


def test_a_fault_affects_only_the_named_service(bench: Bench, faults: FaultInjector) -> None:
    needs(faults, Fault.CRASH)
    stop, heard = threading.Event(), list[ServiceExit]()
    exits = bench.runtime().watch_exits(stop)
    threading.Thread(target=lambda: heard.extend(exits), daemon=True).start()
    faults.inject(Fault.CRASH, "store-1")
    assert comes(lambda: heard)
    stop.set()
    assert {each.service for each in heard} == {"store-1"}
    assert (phase(bench, "store-0"), phase(bench, "relay-0")) == (Phase.RUNNING, Phase.RUNNING)
