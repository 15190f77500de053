"""One project of the benchmark's own, with its own state folder, and the samples that were taken in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from scripts.benchmark.figures import Distribution, distribution

ROOT = Path(__file__).resolve().parents[2]


class Project(Struct, kw_only=True):
    """``samples``: act → seconds of each round. ``timings``: what ``nexusdev timings`` recorded of each ``up`` with data."""

    folder: Path
    state: Path
    samples: dict[str, list[float]] = field(default_factory=dict)
    timings: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        # Python keeps its bytecode, as it does for users: where an environment forbids it, each command would compile anew.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**inherited, "NEXUSDEV_STATE_DIR": str(self.state)}

    def run(self, *arguments: str) -> str:
        """Run a command as a user's shell would; its stdout. A failure ends the benchmark."""
        argv = [str(Path(sys.executable).with_name("nexusdev")), *arguments]
        return succeed(argv, cwd=self.folder, env=self.environment)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    @property
    def instance(self) -> str:
        return str(self.json("status")["instance"])

    @contextlib.contextmanager
    def timed(self, act: str) -> Iterator[None]:
        """Take one sample of an act."""
        began = time.perf_counter()
        yield
        self.sample(act, time.perf_counter() - began)
        say(f"{act}: {self.samples[act][-1]:.2f} s")

    def sample(self, act: str, seconds: float) -> None:
        self.samples.setdefault(act, []).append(seconds)

    def of(self, act: str) -> Distribution:
        return distribution(self.samples[act])

    def destroy(self) -> None:
        self.run("destroy", "--yes")
        shutil.rmtree(self.state, ignore_errors=True)


def say(words: str) -> None:
    """Tell the person who waits."""
    print(f"· {words}", file=sys.stderr, flush=True)


def succeed(argv: list[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None, timeout: float = 900) -> str:
    """The stdout of a command; the benchmark ends with its words where it fails."""
    ran = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=timeout)
    if ran.returncode:
        sys.exit(f"{' '.join(argv)}: exit {ran.returncode}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}")
    return ran.stdout
