"""Clients that work in threads while a drill runs: a writer and a reader of each kind, which remember every operation."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count

from msgspec import Struct, field

from nexusdev.components.drills import LoadClient, LoadKind, ProductLoad
from nexusdev.drills.measure import Doing, Operation

#: Seconds between two operations of one client.
PAUSE = 0.02
_READ_BACK = 30.0
_LONGEST = 160


class Work(Struct, kw_only=True):
    """One client at work.

    Attributes:
        client: The client.
        doing: Whether it writes or reads.
        operations: What it did, in order. Only its own thread appends.
        pending: The operation that it does now; None between two.
    """

    client: LoadClient
    doing: Doing
    operations: list[Operation] = field(default_factory=list)
    pending: Operation | None = None
    connected: bool = False

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. After a failure the client connects again."""
        for number in count(1):
            if stop.is_set():
                return
            self._do(number)
            stop.wait(PAUSE)

    def _do(self, number: int) -> None:
        writes = self.doing is Doing.WRITE
        value, error, began = (number if writes else None), "", time.monotonic()
        self.pending = Operation(doing=self.doing, began=began, ended=math.inf, value=value, error="no answer")
        try:
            if not self.connected:
                self.client.connect()
                self.connected = True
            if writes:
                self.client.write(number)
            else:
                value = self.client.read()
        except Exception as failure:  # whatever a client library raises
            error, self.connected = said(failure), False
            with contextlib.suppress(Exception):
                self.client.close()
        self.operations.append(
            Operation(doing=self.doing, began=began, ended=time.monotonic(), value=value, error=error)
        )
        self.pending = None

    @property
    def acknowledged(self) -> int:
        """How many operations succeeded."""
        return sum(each.ok for each in tuple(self.operations))

    def worked_since(self, at: float) -> bool:
        """Whether an operation that began after a moment succeeded."""
        return any(each.ok and each.began > at for each in reversed(tuple(self.operations)))


class KindLoad(Struct, kw_only=True):
    """The clients of one kind.

    Attributes:
        name: Component and kind: ``postgres.pool``.
        kind: The kind.
        work: Its clients.
        fresh: Returns one more client, for what is looked up in the end.
    """

    name: str
    kind: LoadKind
    work: tuple[Work, ...]
    fresh: Callable[[], LoadClient]

    def operations(self, doing: Doing) -> list[Operation]:
        """Return the operations of one doing, in the order of their ends. One that hangs is among them: it may take effect."""
        workers = [work for work in self.work if work.doing is doing]
        found = [each for work in workers for each in tuple(work.operations)]
        found += [work.pending for work in workers if work.pending]
        return sorted(found, key=lambda each: each.ended)

    def stored(self, patience: float = _READ_BACK) -> set[int] | None:
        """Return the numbers that are stored now, through a new connection; None if no answer comes in time."""
        end = time.monotonic() + patience
        while True:
            client = self.fresh()
            try:
                client.connect()
                return client.stored()
            except Exception:  # whatever a client library raises
                if time.monotonic() >= end:
                    return None
                time.sleep(PAUSE * 10)
            finally:
                with contextlib.suppress(Exception):
                    client.close()


class Load:
    """The load of one drill: the clients of some kinds, made ready by ``begin`` and ended by ``end``.

    Args:
        products: Component → its load, of all components whose clients are wanted.
        names: The wanted kinds: ``postgres.pool``.
        values: The variables of the env file.
        mark: Part of every name that the load makes in the servers.
    """

    def __init__(
        self, products: Mapping[str, ProductLoad], names: tuple[str, ...], values: Mapping[str, str], mark: str
    ) -> None:
        self._products = products
        self._values = values
        self._mark = mark
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.kinds = tuple(map(self._kind, names))

    def _kind(self, name: str) -> KindLoad:
        component, _, kind_name = name.partition(".")
        product = self._products[component]
        kind = next(each for each in product.kinds if each.name == kind_name)

        def fresh() -> LoadClient:
            return product.client(kind_name, self._values, self._mark)

        doings = (Doing.WRITE, Doing.READ) if kind.writes else (Doing.READ,)
        return KindLoad(
            name=name, kind=kind, work=tuple(Work(client=fresh(), doing=each) for each in doings), fresh=fresh
        )

    @property
    def work(self) -> tuple[Work, ...]:
        """All clients."""
        return tuple(work for kind in self.kinds for work in kind.work)

    def prepare(self) -> None:
        """Make what the clients write into. Raises whatever a client library raises."""
        for component in self._components():
            self._products[component].prepare(self._values, self._mark)

    def begin(self) -> None:
        """Let every client work in a thread of its own."""
        for kind in self.kinds:
            for work in kind.work:
                thread = threading.Thread(
                    target=work.run, args=(self._stop,), name=f"{kind.name} {work.doing}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def end(self, patience: float = 10.0) -> None:
        """Let every client end. One that hangs in its library is left behind: its thread ends with the process."""
        self._stop.set()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(timeout=max(0.0, end - time.monotonic()))

    def remove(self) -> tuple[str, ...]:
        """Remove what the clients wrote. Returns what could not be removed, as sentences."""
        troubles = []
        for component in self._components():
            try:
                self._products[component].remove(self._values, self._mark)
            except Exception as error:  # whatever a client library raises
                troubles.append(f"{component}: what the drill wrote ({self._mark}) was not removed: {said(error)}")
        return tuple(troubles)

    def _components(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(kind.name.partition(".")[0] for kind in self.kinds))


def said(error: BaseException) -> str:
    """Return the type and the first line of an exception, as one line."""
    words = (str(error).strip().splitlines() or [""])[0]
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
