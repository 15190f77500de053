"""One suite, every runtime: in memory always, on a real one where integration tests run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

from nexusdev.faults import FaultInjector
from nexusdev.interfaces import VolumeArchive
from nexusdev.plan import Stop
from nexusdev.runtimes.image_store import ImageStore
from tests.contract.bench import Bench, closing

# The runtimes under test → the module and the function that make a bench. ``pods`` is a runtime of these tests: nothing of it is
# like Docker, so that what fits Docker alone fails here.
BENCHES = {
    "memory": "tests.contract.docker.bench:memory_bench",
    "docker": "tests.contract.docker.bench:docker_bench",
    "pods": "tests.contract.pods.bench:pods_bench",
}
# On the cluster of a kubeconfig (tests/contract/kubernetes/bench.py says which image it has to have).
if os.environ.get("TEST_KUBECONFIG"):
    BENCHES["kubernetes"] = "tests.contract.kubernetes.bench:kubernetes_bench"
# The same for an image store that has a tag of nexusdev/base.
STORES = {
    "memory": "tests.contract.docker.bench:memory_store",
    "docker": "tests.contract.docker.bench:docker_store",
}
# These need a real engine or cluster.
REAL = {"docker", "kubernetes"}


def _params(names: Mapping[str, str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.integration if name in REAL else ()) for name in names]


def _made(target: str) -> Any:
    """What the function at ``module:name`` returns."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)()


@pytest.fixture(params=_params(BENCHES))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A runtime and its world, left empty."""
    found: Bench = _made(BENCHES[request.param])
    with closing(found):
        yield found


@pytest.fixture(params=_params(STORES))
def store(request: pytest.FixtureRequest) -> ImageStore:
    """An image store that has a tag of ``nexusdev/base``."""
    found: ImageStore = _made(STORES[request.param])
    return found


@pytest.fixture
def faults(bench: Bench) -> FaultInjector:
    """The injector of an instance that is up."""
    injector = bench.runtime().faults
    if injector is None:
        pytest.skip("the runtime injects no faults")
    bench.ask(bench.intent())
    return injector


@pytest.fixture
def volumes(bench: Bench) -> VolumeArchive:
    """The archive of an instance that is stopped; its volumes exist."""
    archive = bench.runtime().volumes
    if archive is None:
        pytest.skip("the runtime exports no volumes")
    bench.ask(bench.intent())
    bench.ask(Stop())
    return archive
