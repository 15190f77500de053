"""Docker Compose beside nexusdev: the host's plugin where it is new enough, else Debian's in a container of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
COMPOSE = HERE.parents[2] / "compose"
IMAGE = "nexusdev-test/compose:local"


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def plugin_is_new_enough() -> bool:
    """``include`` came with 2.20."""
    ran = docker("compose", "version", "--short")
    found = re.match(r"v?(\d+)\.(\d+)", ran.stdout)
    return ran.returncode == 0 and found is not None and (int(found[1]), int(found[2])) >= (2, 20)


def build(base: str) -> None:
    if docker("image", "inspect", IMAGE).returncode != 0:
        ran = docker("build", "--build-arg", f"BASE={base}", "--tag", IMAGE, str(HERE))
        assert ran.returncode == 0, ran.stdout + ran.stderr


def command(*, base: str, compose: Path, state: Path) -> list[str]:
    """The words before Compose's own arguments; both folders keep their paths, so that the files mean the same inside."""
    files = ["--env-file", str(state / "compose.env"), "--file", str(compose / "stack.yaml")]
    if plugin_is_new_enough():
        return ["docker", "compose", *files]
    build(base)
    socket = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    mounts = [f"{socket}:/var/run/docker.sock", f"{compose}:{compose}:ro", f"{state}:{state}:ro"]
    volumes = [word for mount in mounts for word in ("--volume", mount)]
    return ["docker", "run", "--rm", "--network", "none", *volumes, "--workdir", str(compose), IMAGE, *files]


def command_for(state: Path, *, base: str) -> list[str]:
    """The words before Compose's own arguments, for the only instance of a state folder."""
    (folder,) = [path.parent for path in state.rglob("compose.env")]
    return command(base=base, compose=COMPOSE, state=folder)


def run(argv: list[str]) -> str:
    """What Compose prints; it must end with 0."""
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
