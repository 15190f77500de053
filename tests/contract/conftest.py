"""One suite, every runtime: in memory always, on a Docker engine where integration tests run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.worlds import Bench, closing, docker_bench, memory_bench
from tests.engine_needed import require_image


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.integration)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A runtime and its world, left empty."""
    made = memory_bench() if request.param == "memory" else docker_bench(require_image("nexusdev/base"))
    with closing(made) as open_bench:
        yield open_bench
