"""What a stack costs while nobody uses it: its containers, and what the engine spends on them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from scripts.benchmark.project import Project, say

# Seconds: until what an `up` stirred up has settled, and how long the idle stack is watched.
SETTLE, WATCH = 30, 60
_DAEMONS, _SHIM = ("dockerd", "containerd"), "containerd-shim"


class Cost(Struct, frozen=True, kw_only=True):
    """Processors, and MiB without what the kernel may drop."""

    cores: float
    mebibytes: float


class Idle(Struct, frozen=True, kw_only=True):
    """``groups``: group of services → its cost. ``engine``: cores of the engine's daemons, shims and what these run (runc)."""

    groups: Mapping[str, Cost]
    containers: int
    engine: float

    @property
    def total(self) -> Cost:
        return Cost(
            cores=sum(each.cores for each in self.groups.values()),
            mebibytes=sum(each.mebibytes for each in self.groups.values()),
        )


class _Reading(Struct, frozen=True, kw_only=True):
    """Processor seconds since the start, and bytes."""

    group: str
    seconds: float
    memory: float


def idle(project: Project) -> Idle:
    """Wait until the stack has settled, then watch it."""
    time.sleep(SETTLE)
    instance = project.instance
    began, before, engine = time.perf_counter(), _readings(instance), _engine_seconds()
    time.sleep(WATCH)
    after, spent, passed = _readings(instance), _engine_seconds() - engine, time.perf_counter() - began
    found = Idle(groups=_by_group(before, after, passed), containers=len(after), engine=spent / passed)
    say(f"idle: {found.total.cores:.3f} cores, {found.total.mebibytes:.0f} MiB in {found.containers} containers")
    return found


def _by_group(before: Mapping[str, _Reading], after: Mapping[str, _Reading], passed: float) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    for name in after.keys() & before.keys():
        group, sum_so_far = after[name].group, found.get(after[name].group, Cost(cores=0, mebibytes=0))
        found[group] = Cost(
            cores=sum_so_far.cores + (after[name].seconds - before[name].seconds) / passed,
            mebibytes=sum_so_far.mebibytes + after[name].memory / 2**20,
        )
    return found


def _readings(instance: str) -> dict[str, _Reading]:
    """Container → what it has cost so far."""
    import docker

    engine = docker.from_env()
    running = engine.containers.list(filters={"label": f"dev.nexus.instance={instance}"})
    told = {each.name: (each, engine.api.stats(each.id, stream=False, one_shot=True)) for each in running}
    return {
        name: _Reading(
            group=str(each.labels["com.docker.compose.service"]).rstrip("0123456789").rstrip("-"),
            seconds=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
            memory=_memory(stats["memory_stats"]),
        )
        for name, (each, stats) in told.items()
    }


def _memory(stats: Mapping[str, Any]) -> float:
    """As ``docker stats`` shows it: without pages of files that the kernel may drop (cgroup v1 and v2 name them differently)."""
    kept = stats.get("stats", {})
    return float(stats["usage"] - kept.get("total_inactive_file", kept.get("inactive_file", 0)))


def _engine_seconds() -> float:
    """Processor seconds of the engine's processes on this machine, those of its other containers included; 0 where it is elsewhere.

    A shim's children are runc and what healthchecks run, which is counted in their container, too.
    """
    return sum(_process_seconds(folder) for folder in Path("/proc").glob("[0-9]*"))


def _process_seconds(folder: Path) -> float:
    try:
        name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return 0.0
    own_and_children = [int(word) for word in rest.split()[11:15]]
    if name.startswith(_SHIM):
        return sum(own_and_children) / os.sysconf("SC_CLK_TCK")
    return sum(own_and_children[:2]) / os.sysconf("SC_CLK_TCK") if name in _DAEMONS else 0.0
