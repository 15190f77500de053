"""What tests on a real engine need of this machine. Where it is missing they fail and say how to get it: a skip would be green."""

from __future__ import annotations

from typing import NoReturn

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.connection import engine


def require_engine() -> None:
    """Fails the test where no container engine answers."""
    try:
        engine().http.version()
    except PreflightFailed as error:
        _fail(
            f"{error.message}: {error.why}",
            "scripts/engine                  start one, then run the tests again",
            "make test-integration           start one, build the images, run the tests that need them",
            'pytest -m "not integration"     leave these tests out',
        )


def require_image(name: str) -> str:
    """A tag of one of our images; fails the test where no engine answers or its store has none.

    Args:
        name: The image without its tag: ``nexusdev/base``.
    """
    require_engine()
    tags: list[str] = [tag for image in engine().http.images() for tag in image.get("RepoTags") or ()]
    ours = sorted((tag for tag in tags if tag.startswith(f"{name}:")), key=lambda tag: not tag.endswith(":local"))
    if not ours:
        short = name.rpartition("/")[2]
        _fail(
            f"the engine has no image {name}",
            f"nexusdev images build {short}      build it",
            "make test-integration           build all images, run the tests that need them",
        )
    return ours[0]


def _fail(problem: str, *commands: str) -> NoReturn:
    pytest.fail("\n".join([problem, *(f"  next  {command}" for command in commands)]), pytrace=False)
