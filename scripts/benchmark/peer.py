"""Docker Compose on the same files, in two ways.

As the files stand: their healthchecks are for display, so the engine first looks after a whole interval, and `up --wait` takes
at least that long. Tuned: with an override as a Compose user who wants speed would write it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from scripts.benchmark.project import ROOT, Project, succeed

# Engines since 25 look more often while a container starts; on older ones only the interval itself can be shortened.
START_INTERVAL_SINCE = 25
_START_PERIOD = "120s"


def override(checked: Sequence[str], *, engine: int) -> str:
    """A compose file that makes `up --wait` quick. Every second, thirty checks would take more than two processors from the servers.

    Args:
        checked: the services that have a healthcheck.
        engine: the engine's major version.
    """
    quick = "start_interval: 2s" if engine >= START_INTERVAL_SINCE else "interval: 2s"
    healthcheck = f"healthcheck: {{{quick}, timeout: 5s, start_period: {_START_PERIOD}}}"
    return "services:\n" + "".join(f"  {name}: {{{healthcheck}}}\n" for name in checked)


class Peer(Struct, frozen=True, kw_only=True):
    """``argv``: the words before Compose's own arguments. ``overhead``: seconds until Compose itself runs, where it has to be run in a container."""

    argv: tuple[str, ...]
    services: tuple[str, ...]
    tuned: tuple[str, ...]
    overhead: float

    def up(self, project: Project, act: str, *, tuned: bool) -> None:
        files = self.tuned if tuned else ()
        began = time.perf_counter()
        succeed([*self.argv, *files, "up", "--detach", "--wait", "--quiet-pull", *self.services])
        project.sample(act, time.perf_counter() - began - self.overhead)

    def down(self) -> None:
        succeed([*self.argv, "down"])


def peer(project: Project) -> Peer:
    """Compose beside a project that is up: its services are those that have a container, for others may have no image here."""
    argv = compose_argv(project)
    checks = healthchecks(project.instance)
    file = Path(next(project.state.rglob("compose.env")).parent, "quick-healthchecks.yaml")
    file.write_text(override([name for name, has in checks.items() if has], engine=engine_version()))
    return Peer(argv=argv, services=tuple(checks), tuned=("--file", str(file)), overhead=_overhead(argv))


def compose_argv(project: Project) -> tuple[str, ...]:
    from tests.integration import compose_cli

    (env,) = project.state.rglob("compose.env")
    images = project.json("images", "list")["data"]["images"]
    base = next(row["reference"] for row in images if row["name"] == "base")
    return tuple(compose_cli.command(base=base, compose=ROOT / "compose", state=env.parent))


def healthchecks(instance: str) -> Mapping[str, bool]:
    """Service → whether its container has a healthcheck."""
    import docker

    found = docker.from_env().containers.list(all=True, filters={"label": f"dev.nexus.instance={instance}"})
    return {
        each.labels["com.docker.compose.service"]: bool(each.attrs["Config"].get("Healthcheck"))
        for each in sorted(found, key=lambda each: str(each.name))
    }


def engine_version() -> int:
    """The engine's major version."""
    told = succeed(["docker", "version", "--format", "{{.Server.Version}}"])
    return int(told.partition(".")[0])


def _overhead(argv: Sequence[str]) -> float:
    """The host's plugin has none; Compose in a container waits for that to start, which no user of Compose would."""
    if list(argv[:2]) == ["docker", "compose"]:
        return 0.0
    samples = []
    for _ in range(3):
        began = time.perf_counter()
        succeed([*argv, "version"])
        samples.append(time.perf_counter() - began)
    return min(samples)
