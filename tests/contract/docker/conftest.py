"""The benches of the tests that are about containers: those with a Docker engine, or with one in memory that imitates it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.bench import closing
from tests.contract.docker.bench import EngineBench, docker_bench, memory_bench


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.integration)])
def bench(request: pytest.FixtureRequest) -> Iterator[EngineBench]:
    """An engine and its runtime, left empty."""
    made = memory_bench() if request.param == "memory" else docker_bench()
    with closing(made):
        yield made
