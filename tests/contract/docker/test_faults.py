"""Faults of containers."""

from __future__ import annotations

import pytest

from nexusdev.errors import NotFound
from nexusdev.faults import Fault, FaultInjector
from nexusdev.plan import Phase
from tests.contract.docker.bench import EngineBench


@pytest.fixture
def faults(bench: EngineBench) -> FaultInjector:
    """The injector of an instance that is up."""
    bench.up()
    injector = bench.runtime().faults
    assert injector is not None
    return injector


def test_the_docker_runtime_supports_every_fault(faults: FaultInjector) -> None:
    assert all(faults.supports(fault) for fault in Fault)


def test_a_crashed_container_has_failed(bench: EngineBench, faults: FaultInjector) -> None:
    faults.inject(Fault.CRASH, "store-1")
    assert bench.observe().services["store-1"].phase is Phase.FAILED


def test_a_partitioned_service_is_unreachable_until_healed(bench: EngineBench, faults: FaultInjector) -> None:
    if not bench.runs_commands:
        pytest.skip("no process has routes in memory")
    runtime = bench.runtime()

    def routes() -> int:
        return len(runtime.execute("store-1", ["cat", "/proc/net/route"]).stdout.splitlines())

    whole = routes()
    faults.inject(Fault.PARTITION, "store-1")
    assert routes() < whole
    faults.inject(Fault.HEAL, "store-1")
    assert routes() == whole


def test_a_foreign_container_of_the_same_name_is_left_alone(bench: EngineBench, faults: FaultInjector) -> None:
    bench.hand("remove", bench.container("store-1"))
    bench.add_stranger(bench.container("store-1"))
    for fault in Fault:
        with pytest.raises(NotFound):
            faults.inject(fault, "store-1")
