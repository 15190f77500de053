"""`make up` from nothing: a checkout without `.venv`, an engine without images, no registry. It takes as long as the images are built.

The engine is the machine's own, because images can be built and servers started only where there is a network. Nothing is removed
from it that this run has not made: it starts only on an engine that has no image and no instance of nexusdev.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.benchmark.project import ROOT, say

_PREFIX, _CACHE = "nexusdev/", "nexusdev-go-cache"
_GO = ("minio", "vault")
_NAME, _SHOWN = "nexusdev-bench-cold", 4


def obstacles() -> list[str]:
    """What is on the engine of nexusdev's already; a cold run needs an engine without."""
    images = _docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{_PREFIX}*").split()
    volumes = _docker("volume", "ls", "--quiet", "--filter", "name=nexusdev").split()
    containers = _docker("ps", "--all", "--format", "{{.Names}}", "--filter", "label=dev.nexus.instance").split()
    return [
        *(f"image {each}" for each in images),
        *(f"volume {each}" for each in volumes),
        *(f"container {each}" for each in containers),
    ]


def measure(folder: Path) -> tuple[float, float]:
    """Seconds of `make up` and of the two Go builds alone.

    Args:
        folder: an empty folder for the checkout and the state.
    """
    if found := obstacles():
        sys.exit(_refusal(found))
    checkout, environment = _checkout(folder / _NAME), _environment(folder / "state")
    try:
        make_up = _timed(["make", "up"], checkout, environment)
        nexusdev = str(checkout / ".venv" / "bin" / "nexusdev")
        _visible([nexusdev, "destroy", "--yes"], checkout, environment)
        _forget_go_builds()
        return make_up, _timed([nexusdev, "images", "build", *_GO], checkout, environment)
    finally:
        _destroy(checkout, environment)


def _refusal(found: list[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    shown = ", ".join(found[:_SHOWN]) + more
    return (
        f"Error: a cold run needs an engine that has nothing of nexusdev; this one has {shown}\n"
        "  next      DOCKER_HOST=… make bench ARGS=--cold      an engine without\n"
        "            docker image rm --force $(docker image ls --quiet 'nexusdev/*') && docker volume rm nexusdev-go-cache"
    )


def _checkout(target: Path) -> Path:
    """The tracked files as they stand, in a folder of their own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


def _environment(state: Path) -> Mapping[str, str]:
    return {**os.environ, "NEXUSDEV_STATE_DIR": str(state), "NEXUSDEV_IMAGE_SOURCES": "build"}


def _forget_go_builds() -> None:
    """Only what this run has built: the engine had none of it before."""
    tags = _docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{_PREFIX}*").split()
    _docker("image", "rm", *(tag for tag in tags if tag.partition(":")[0].removeprefix(_PREFIX) in _GO))
    _docker("volume", "rm", _CACHE)


def _destroy(checkout: Path, environment: Mapping[str, str]) -> None:
    nexusdev = checkout / ".venv" / "bin" / "nexusdev"
    if nexusdev.exists():
        subprocess.run([str(nexusdev), "destroy", "--yes"], cwd=checkout, env=environment, check=False)


def _timed(argv: list[str], folder: Path, environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    _visible(argv, folder, environment)
    took = time.perf_counter() - began
    say(f"{' '.join(argv)}: {took:.0f} s")
    return took


def _visible(argv: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run with its output on the screen: nobody waits half an hour for silence."""
    ran = subprocess.run(argv, cwd=folder, env=environment, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(argv)}: exit {ran.returncode}")


def _docker(*arguments: str) -> str:
    ran = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"docker {' '.join(arguments)}: exit {ran.returncode}\n{ran.stderr}")
    return ran.stdout
