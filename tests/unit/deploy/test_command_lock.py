"""One command at a time changes an instance; which wait for it, for how long, and what they say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from nexusdev.context import Context
from nexusdev.errors import Locked, NexusError, NotReadyInTime
from nexusdev.events import LockAwaited, LockTaken
from nexusdev.instance.instance import locked
from nexusdev.operations import destroy, destroy_service, gc, lifecycle
from nexusdev.operations.doctor import doctor
from nexusdev.operations.down import down
from nexusdev.operations.env import env
from nexusdev.operations.ls import ls
from nexusdev.operations.secrets import rotate
from nexusdev.operations.seed import seed
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from nexusdev.util.clock import SystemClock
from tests.fakes import House, shown

Verb = Callable[[Context], object]

WAITING: dict[str, Verb] = {
    "up": up,
    "down": down,
    "stop": lifecycle.stop,
    "start": lifecycle.start,
    "restart": lifecycle.restart,
    "seed": seed,
    "secrets rotate": rotate,
    "env --write": lambda context: env(context, proof=False, write=True),
}
LOOKING: dict[str, Verb] = {
    "status": status,
    "env": lambda context: env(context, proof=False),
    "ls": ls,
    "doctor": doctor,
}


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    house.heard.events.clear()
    return house


@contextmanager
def another(house: House, command: str = "nexusdev up") -> Iterator[threading.Event]:
    """Another command at work; it ends when somebody waits for it, or with the block. Hands out whether somebody waited."""
    context, holds, waited, over = house.context(), threading.Event(), threading.Event(), threading.Event()

    def tell(event: object) -> None:
        house.heard.events.append(event)  # type: ignore[arg-type]
        if isinstance(event, LockAwaited):
            waited.set()

    def work() -> None:
        with locked(context.identity, command, root=context.root):
            holds.set()
            while not (waited.is_set() or over.is_set()):
                over.wait(0.001)

    house.heard.tell = tell  # type: ignore[method-assign]
    thread = threading.Thread(target=work)
    thread.start()
    assert holds.wait(5)
    try:
        yield waited
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("verb", WAITING)
def test_a_changing_command_waits_for_the_previous_one(running: House, verb: str) -> None:
    running.clock = SystemClock()
    with another(running) as waited:
        WAITING[verb](running.context())
        assert waited.is_set()
    said = running.heard.of(LockAwaited)
    assert len(said) == 1
    assert said[0].holder.startswith("nexusdev up (pid ")
    assert len(running.heard.of(LockTaken)) == 1


@pytest.mark.parametrize("verb", LOOKING)
def test_a_reading_command_does_not_wait(running: House, verb: str) -> None:
    with another(running) as waited:
        LOOKING[verb](running.context())
        assert not waited.is_set()


@pytest.mark.parametrize("verb", [destroy.destroy, lambda context: destroy_service.discard(context, ["redis-1"])])
def test_destroy_is_refused_while_another_command_changes_the_instance(running: House, verb: Verb) -> None:
    with another(running) as waited, pytest.raises(Locked) as raised:
        verb(running.context())
    assert not waited.is_set()
    assert "nexusdev destroy does not wait for it" in raised.value.why
    assert raised.value.hint.startswith("kill ")
    assert len(running.engine.containers) == 3


@pytest.mark.parametrize("other", ["nexusdev down", "nexusdev destroy", "nexusdev stop"])
def test_destroy_waits_for_commands_that_remove_the_instance(running: House, other: str) -> None:
    running.clock = SystemClock()
    with another(running, other) as waited:
        destroy.destroy(running.context())
        assert waited.is_set()
    assert not running.engine.containers


def test_four_concurrent_ups_on_a_ready_stack_do_nothing(running: House) -> None:
    running.clock = SystemClock()
    before = len(running.engine.done)
    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = list(pool.map(lambda _: up(running.context()), range(4)))
    assert [shown(outcome).data["changed"] for outcome in outcomes] == [False] * 4
    assert len(running.engine.done) == before


def test_one_of_four_concurrent_ups_does_the_work(house: House) -> None:
    house.clock = SystemClock()
    with ThreadPoolExecutor(max_workers=4) as pool:
        outcomes = list(pool.map(lambda _: up(house.context()), range(4)))
    assert sorted(shown(outcome).data["changed"] for outcome in outcomes) == [False, False, False, True]
    assert len(house.engine.containers) == 3


def test_four_concurrent_destroys_succeed(running: House) -> None:
    running.clock = SystemClock()
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda _: destroy.destroy(running.context()), range(4)))
    assert not running.engine.containers
    assert list((running.folder / "state" / "locks").iterdir()) == []


def test_the_timeout_covers_waiting_and_work(house: House) -> None:
    house.redis.sentences = ["no master yet"] * 1_000_000
    real = house.context()
    holds, over = threading.Event(), threading.Event()

    def work() -> None:
        with locked(real.identity, "nexusdev up", root=real.root):
            holds.set()
            while house.clock.now() < 100.0 + 15.0:
                over.wait(0.0005)

    thread = threading.Thread(target=work)
    thread.start()
    assert holds.wait(5)
    with pytest.raises(NotReadyInTime, match=r"not ready after 20 s \(including 1\d s waiting for another command\)"):
        up(house.context(timeout=20.0))
    thread.join()
    assert house.clock.now() < 100.0 + 30.0


def test_a_lock_timeout_says_how_to_wait_longer(running: House) -> None:
    context = running.context(timeout=50.0)
    with locked(context.identity, "nexusdev up", root=context.root), pytest.raises(Locked) as raised:
        seed(context)
    assert raised.value.hint.splitlines()[0] == "nexusdev seed --timeout 100   wait longer"
    assert running.clock.now() >= 150.0


def test_a_failure_before_the_instance_exists_leaves_no_lock_file(house: House) -> None:
    with pytest.raises(NexusError):
        lifecycle.start(house.context())
    assert list((house.folder / "state" / "locks").iterdir()) == []


def test_gc_removes_lock_files_of_instances_that_are_gone(running: House) -> None:
    locks = running.folder / "state" / "locks"
    for name in ("instance-gone.lock", "instance-gone.lock.by-1-00", "instance-busy.lock"):
        (locks / name).touch()
    context = running.context()
    busy = context.identity.__class__(name="busy", project=running.project)
    with locked(busy, "nexusdev up", root=context.root):
        gc.remove(context, ())
        assert sorted(each.name for each in locks.iterdir() if ".by-" not in each.name) == [
            "instance-busy.lock",
            "instance-shop.lock",
        ]
        assert not (locks / "instance-gone.lock.by-1-00").exists()
