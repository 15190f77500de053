"""Crashes are told from old exits by the runtime's clock, whatever this machine's clock says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import field

from nexusdev.deploy.exit_monitor import ExitMonitor
from nexusdev.errors import RuntimeSlow
from nexusdev.interfaces import Runtime, ServiceExit
from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.connection import connect
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.docker.runtime import DockerRuntime
from nexusdev.runtimes.memory.engine import FakeContainer, FakeEngine
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.stack.model import Service
from tests.unit.runtimes.docker.engines import engine_at, version

HOUR = 3600.0
SERVICES = {"redis-0": Service(name="redis-0", image="i", component="redis", group="redis")}
hours_off = pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])


def within(seconds: float, condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def memory_engine(off: float) -> FakeEngine:
    engine = FakeEngine(now=time.time() + off)
    engine.begin(engine.add(FakeContainer(id="1", name="r", image="i", service="redis-0", instance="shop")))
    return engine


def watching(runtime: Runtime) -> ExitMonitor:
    return ExitMonitor(runtime=runtime, services=SERVICES)


@hours_off
def test_a_crash_is_detected_despite_a_skewed_local_clock(off: float) -> None:
    engine = memory_engine(off)
    runtime = MemoryRuntime(project="nexusdev-shop", instance="shop", engine=engine)
    with watching(runtime) as monitor:
        monitor.watch("redis-0")
        assert within(5, lambda: engine._listeners)
        engine.end("r", exit_code=7)
        assert within(5, monitor.crashed)
        crash = monitor.crashed()
    assert crash is not None
    assert (crash.exit_code, monitor.lasted(crash)) == (7, 1.0)


@hours_off
def test_an_old_exit_is_no_crash_despite_a_skewed_local_clock(off: float) -> None:
    engine = memory_engine(off)
    runtime = MemoryRuntime(project="nexusdev-shop", instance="shop", engine=engine)
    engine.end("r", exit_code=7)
    monitor = watching(runtime)
    monitor.watch("redis-0")
    monitor.inspect(runtime.observe())
    assert monitor.crashed() is None


@contextmanager
def docker_runtime(folder: Path, *, off: float, age: float) -> Iterator[Runtime]:
    """An engine whose clock is ``off`` by seconds; one container ends ``age`` seconds before it is asked for events."""

    def answer(path: str) -> tuple[int, Any]:
        now = time.time() + off
        if "/info" in path:
            return 200, {"SystemTime": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "123Z")}
        if "/events" not in path:
            return 200, version()
        action, at = ("start", 0.0) if "until=" in path else ("die", now - age)
        attributes = {labels.SERVICE: "redis-0", labels.INSTANCE: "shop", "exitCode": "7"}
        return 200, {
            "Action": action,
            "Actor": {"ID": "1", "Attributes": attributes},
            "time": int(at),
            "timeNano": int(at * 1e9),
        }

    with engine_at(folder / "engine", answer) as url:
        connection = connect(EngineEndpoint(url=url, origin="test"))
        yield DockerRuntime("nexusdev-shop", instance="shop", owner_path="/p", connection=connection)


@hours_off
def test_the_docker_runtime_uses_the_clock_of_its_engine(tmp_path: Path, off: float) -> None:
    with docker_runtime(tmp_path, off=off, age=0.0) as runtime:
        assert runtime.now() == pytest.approx(time.time() + off, abs=2.0)
    # the engine is gone: its clock was asked once, and goes on
    before = runtime.now()
    time.sleep(0.02)
    assert 0.01 < runtime.now() - before < 2.0


@hours_off
@pytest.mark.parametrize(("age", "crashed"), [(-30.0, True), (30.0, False)], ids=["a crash", "an old exit"])
def test_docker_exits_are_compared_with_the_engine_clock(tmp_path: Path, off: float, age: float, crashed: bool) -> None:
    with docker_runtime(tmp_path, off=off, age=age) as runtime:
        monitor = watching(runtime)
        monitor.watch("redis-0")
        with monitor:
            assert within(5, lambda: monitor._exits)
        assert (monitor.crashed() is not None) is crashed


class Interrupted(MemoryRuntime, frozen=True, kw_only=True):
    """A runtime whose first watch is cut off.

    Attributes:
        watches: An entry for each watch.
    """

    watches: list[str] = field(default_factory=list)

    def watch_exits(self, stop: threading.Event) -> Iterator[ServiceExit]:
        self.watches.append("began")
        if len(self.watches) == 1:
            raise RuntimeSlow("the engine is too slow")
        return super().watch_exits(stop)


def test_exits_are_received_again_after_an_error_of_the_runtime() -> None:
    engine = memory_engine(0.0)
    runtime = Interrupted(project="nexusdev-shop", instance="shop", engine=engine)
    with ExitMonitor(runtime=runtime, services=SERVICES, retry_after=0.01) as monitor:
        monitor.watch("redis-0")
        assert within(5, lambda: engine._listeners)
        engine.end("r", exit_code=7)
        assert within(5, monitor.crashed)
    assert len(runtime.watches) == 2
