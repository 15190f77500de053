from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from nexusdev.components.drills import LoadClient, LoadKind
from nexusdev.drills.load import Load, Work, said
from nexusdev.drills.measure import Doing


@dataclass
class Shelf:
    """A product in memory, which refuses while ``broken`` and hangs while ``hanging``."""

    numbers: set[int] = field(default_factory=set)
    register: int | None = None
    broken: bool = False
    hanging: threading.Event | None = None
    connections: int = 0


@dataclass
class ShelfClient:
    shelf: Shelf

    def connect(self) -> None:
        self._work()
        self.shelf.connections += 1

    def write(self, number: int) -> None:
        self._work()
        self.shelf.numbers.add(number)
        self.shelf.register = number
        if self.shelf.hanging:
            self.shelf.hanging.wait(5)

    def read(self) -> int | None:
        self._work()
        return self.shelf.register

    def stored(self) -> set[int]:
        self._work()
        return set(self.shelf.numbers)

    def close(self) -> None:
        pass

    def _work(self) -> None:
        if self.shelf.broken:
            raise ConnectionError("it is broken")


@dataclass
class ShelfLoad:
    shelf: Shelf = field(default_factory=Shelf)
    kinds: tuple[LoadKind, ...] = (LoadKind(name="direct", path="SHELF_URL", register=True),)
    removed: list[str] = field(default_factory=list)

    def prepare(self, values: object, mark: str) -> None:
        pass

    def client(self, kind: str, values: object, mark: str) -> LoadClient:
        return ShelfClient(self.shelf)

    def remove(self, values: object, mark: str) -> None:
        if self.shelf.broken:
            raise ConnectionError("it is broken")
        self.removed.append(mark)


def until(load: Load, count: int) -> None:
    end = time.monotonic() + 5
    while any(work.acknowledged < count for work in load.work) and time.monotonic() < end:
        time.sleep(0.01)


def test_every_acknowledged_write_is_remembered_and_looked_up() -> None:
    product = ShelfLoad()
    load = Load({"shelf": product}, ("shelf.direct",), {}, "drill_1")
    load.begin()
    until(load, 5)
    load.end()
    (kind,) = load.kinds
    assert {each.value for each in kind.operations(Doing.WRITE)} == kind.stored()
    assert len(kind.operations(Doing.READ)) >= 5


def test_a_client_connects_again_after_a_failure() -> None:
    product = ShelfLoad()
    load = Load({"shelf": product}, ("shelf.direct",), {}, "drill_1")
    load.begin()
    until(load, 3)
    product.shelf.broken = True
    time.sleep(0.2)
    product.shelf.broken = False
    until(load, 10)
    load.end()
    failed = [each for each in load.kinds[0].operations(Doing.WRITE) if not each.ok]
    assert failed
    assert failed[0].error == "ConnectionError: it is broken"
    assert product.shelf.connections >= 4


def test_a_write_that_hangs_is_part_of_the_history() -> None:
    product = ShelfLoad(shelf=Shelf(hanging=threading.Event()))
    work = Work(client=product.client("direct", {}, ""), doing=Doing.WRITE)
    threading.Thread(target=work.run, args=(threading.Event(),), daemon=True).start()
    end = time.monotonic() + 5
    while not product.shelf.numbers and time.monotonic() < end:
        time.sleep(0.01)
    assert work.pending
    assert work.pending.value == 1
    assert not work.pending.ok


def test_what_cannot_be_looked_up_is_unknown() -> None:
    product = ShelfLoad(shelf=Shelf(broken=True))
    load = Load({"shelf": product}, ("shelf.direct",), {}, "drill_1")
    assert load.kinds[0].stored(patience=0.1) is None


def test_the_traces_are_removed() -> None:
    product = ShelfLoad()
    load = Load({"shelf": product}, ("shelf.direct",), {}, "drill_1")
    load.prepare()
    assert load.remove() == ()
    assert product.removed == ["drill_1"]
    product.shelf.broken = True
    assert load.remove() == ("shelf: what the drill wrote (drill_1) was not removed: ConnectionError: it is broken",)


def test_an_error_is_told_in_one_line() -> None:
    assert said(ValueError("first\nsecond")) == "ValueError: first"
    assert said(TimeoutError()) == "TimeoutError"
