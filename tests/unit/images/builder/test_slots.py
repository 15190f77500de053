"""Slots: as many at once as there are cores, the long ones first, a lane counts once."""

from __future__ import annotations

import threading
import time

from nexusdev.images.builder.slots import BuildSlots


def occupy(
    slots: BuildSlots, name: str, *, priority: int, order: list[str], leave: threading.Event, group: str = ""
) -> threading.Thread:
    def work() -> None:
        with slots.take(priority=priority, group=group):
            order.append(name)
            leave.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def settle() -> None:
    time.sleep(0.15)


def test_concurrent_work_is_limited_by_the_slots() -> None:
    order: list[str] = []
    leave = threading.Event()
    slots = BuildSlots(2)
    threads = [occupy(slots, str(number), priority=1, order=order, leave=leave) for number in range(4)]
    settle()
    assert len(order) == 2
    leave.set()
    for thread in threads:
        thread.join(5)
    assert len(order) == 4


def test_a_lane_uses_one_slot() -> None:
    order: list[str] = []
    leave = threading.Event()
    slots = BuildSlots(2)
    threads = [occupy(slots, name, priority=0, order=order, leave=leave, group="go") for name in ("minio", "vault")]
    threads.append(occupy(slots, "redis", priority=1, order=order, leave=leave))
    settle()
    assert sorted(order) == ["minio", "redis", "vault"]
    leave.set()
    for thread in threads:
        thread.join(5)


def test_urgent_work_goes_first() -> None:
    order: list[str] = []
    leave = threading.Event()
    leave.set()
    slots = BuildSlots(1)
    threads = [
        occupy(slots, "redis", priority=1, order=order, leave=leave),
        occupy(slots, "go", priority=0, order=order, leave=leave),
    ]
    for thread in threads:
        thread.join(5)
    assert order == ["go", "redis"]
