"""One suite, every runtime: in memory always, on a Docker engine where there is one with an image to run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.connection import engine
from tests.contract.worlds import Bench, closing, docker_bench, memory_bench


def local_image() -> str:
    """The smallest of our own images that the engine has; skips where there is none."""
    try:
        tags: list[str] = [tag for image in engine().http.images() for tag in image.get("RepoTags") or ()]
    except PreflightFailed as missing:
        pytest.skip(f"{missing.message}: {missing.why}")
    ours = sorted((tag for tag in tags if tag.startswith("nexusdev/base:")), key=lambda tag: not tag.endswith(":local"))
    if not ours:
        pytest.skip("the engine has no image nexusdev/base: nexusdev images build")
    return ours[0]


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.integration)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A runtime and its world, left empty."""
    made = memory_bench() if request.param == "memory" else docker_bench(local_image())
    with closing(made) as open_bench:
        yield open_bench
