"""What is measured, in which order."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.benchmark.costs import Idle, idle
from scripts.benchmark.floor import floor
from scripts.benchmark.peer import Peer, peer
from scripts.benchmark.project import Project, say

FIRST, UP, CORE, FLOOR, DOWN = "up, nothing there", "up", "up --profile core", "floor", "down"
PEER, TUNED = "compose up --wait", "compose up --wait, tuned"
AGAIN, ENV, HELP, STATUS, PYTHON = "up, nothing to do", "env", "--help", "status", "python -c pass"
_QUICK_ROUNDS = 9
# What nothing is promised about is measured less often: Compose as the files stand alone takes longer than all the rest of a round.
_SELDOM = 3


def everything(project: Project, rounds: int) -> tuple[Idle, Idle]:
    """All acts; the idle stack with monitoring and without it."""
    with project.timed(FIRST):
        project.run("up")
    quick(project, max(_QUICK_ROUNDS, rounds))
    beside = peer(project)
    for at in range(rounds):
        _round(project, beside, seldom=at % _SELDOM == 0)
    return _idle_both(project)


def ups_only(project: Project, rounds: int, keep: Path | None) -> None:
    """Only `up` with data, for its distribution; ``keep`` is a folder for each round's timings."""
    project.run("up")
    for at in range(rounds):
        with project.timed(DOWN):
            project.run("down")
        _up(project)
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"up-{at:02}.json").write_text(json.dumps(project.timings[-1]))


def _round(project: Project, beside: Peer, *, seldom: bool) -> None:
    """From a stack that is up to one that is up: two samples of `up` with data, one of each of what it is compared with."""
    with project.timed(DOWN):
        project.run("down")
    with project.timed(FLOOR):
        floor(project)
    project.run("down")
    _up(project)
    project.run("down")
    _compose_up(project, beside, TUNED)
    if seldom:
        _compose_up(project, beside, PEER)
        with project.timed(CORE):
            project.run("up", "--profile", "core")
        project.run("down")
    _up(project)


def _compose_up(project: Project, beside: Peer, act: str) -> None:
    beside.up(project, act, tuned=act == TUNED)
    say(f"{act}: {project.samples[act][-1]:.2f} s")
    beside.down()


def _up(project: Project) -> None:
    """One `up` with data, whose timings are kept: a slow round shall be explained, not averaged away."""
    with project.timed(UP):
        project.run("up", "--profile", "full")
    project.timings.append(project.json("timings")["data"])


def quick(project: Project, rounds: int) -> None:
    """What is called all day; the acts alternate, so that a slow second hurts all of them."""
    acts: dict[str, Callable[[], object]] = {
        PYTHON: lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        HELP: lambda: project.run("--help"),
        AGAIN: lambda: project.run("up"),
        ENV: lambda: project.run("env"),
        STATUS: lambda: project.run("status"),
    }
    for _ in range(rounds):
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            project.sample(name, time.perf_counter() - began)
    for name in acts:
        say(f"{name}: {project.of(name).median * 1000:.0f} ms")


def _idle_both(project: Project) -> tuple[Idle, Idle]:
    """With monitoring and without, one after the other on the same instance."""
    full = idle(project)
    project.run("up", "--profile", "core")
    return full, idle(project)
