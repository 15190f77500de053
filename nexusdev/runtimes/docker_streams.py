"""What an engine tells over time: the deaths of an instance's containers, and their logs."""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from nexusdev.ports import Death, LogLine
from nexusdev.runtimes import labels
from nexusdev.runtimes.docker_connect import Engine, in_our_words
from nexusdev.runtimes.docker_observe import seconds

_TICK = 0.1  # how soon a stop is seen, in seconds
_PATIENCE = 0.5  # between two looks whether an ended container came back


class Deaths:
    """The ends of containers from the moment of construction on, until ``stop.is_set()``."""

    def __init__(self, engine: Engine, instance: str, stop: Any) -> None:
        self._engine = engine
        self._stop = stop
        self._heard: queue.Queue[Death | BaseException | None] = queue.Queue()
        filters = {"type": "container", "event": "die", "label": f"{labels.INSTANCE}={instance}"}
        self._stream = engine.look.events(filters=filters)
        threading.Thread(target=self._listen, name="deaths", daemon=True).start()

    def _listen(self) -> None:
        try:
            with in_our_words(self._engine.endpoint):
                for event in self._stream:
                    self._heard.put(_death(event))
            self._heard.put(None)
        except BaseException as error:
            self._heard.put(error)

    def __iter__(self) -> Iterator[Death]:
        try:
            while not self._stop.is_set():
                try:
                    heard = self._heard.get(timeout=_TICK)
                except queue.Empty:
                    continue
                if heard is None:
                    return
                if isinstance(heard, BaseException):
                    raise heard
                yield heard
        finally:
            self._stream.close()


def _death(event: Mapping[str, Any]) -> Death:
    attributes = event["Actor"]["Attributes"]
    return Death(
        service=attributes.get(labels.SERVICE, ""),
        exit_code=int(attributes.get("exitCode", 0)),
        at=event.get("timeNano", 0) / 1e9,
    )


class Logs:
    """The output of containers (service → id), merged by time."""

    def __init__(self, engine: Engine, containers: Mapping[str, str], *, tail: int | None, since: float | None) -> None:
        self._engine = engine
        self._containers = containers
        self._tail = "all" if tail is None else tail
        self._since = since

    def lines(self, *, follow: bool) -> Iterator[LogLine]:
        """What was said; with ``follow`` then what is being said, until nobody listens any more or all containers are gone."""
        last = dict.fromkeys(self._containers, self._since or 0.0)
        told = [self._read(service, since=self._since, tail=self._tail) for service in self._containers]
        for line in heapq.merge(*told, key=lambda each: each.at):
            last[line.service] = line.at
            yield line
        if follow:
            yield from self._followed(last)

    def _read(
        self, service: str, *, since: float | None, tail: int | str = "all", follow: bool = False
    ) -> Iterator[LogLine]:
        with in_our_words(self._engine.endpoint):
            stream = self._engine.api.logs(
                self._containers[service], stream=True, follow=follow, timestamps=True, tail=tail, since=since or None
            )
            try:
                for line in _lines(stream):
                    stamp, _, text = line.partition(" ")
                    yield LogLine(service=service, at=seconds(stamp), text=text)
            finally:
                stream.close()

    def _followed(self, last: Mapping[str, float]) -> Iterator[LogLine]:
        said: queue.Queue[LogLine | BaseException | None] = queue.Queue()
        stop = threading.Event()
        for service, at in last.items():
            threading.Thread(
                target=self._follow, args=(service, at, said, stop), name=f"logs {service}", daemon=True
            ).start()
        listening = len(last)
        try:
            while listening:
                item = said.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    listening -= 1
                else:
                    yield item
        finally:
            stop.set()

    def _follow(
        self, service: str, at: float, said: queue.Queue[LogLine | BaseException | None], stop: threading.Event
    ) -> None:
        """One container, across its restarts. The engine's ``since`` is inclusive: what was told already is dropped."""
        try:
            while not stop.is_set() and self._exists(service):
                for line in self._read(service, since=at or None, follow=True):
                    if stop.is_set():
                        return
                    if line.at > at:
                        at = line.at
                        said.put(line)
                time.sleep(_PATIENCE)
            said.put(None)
        except BaseException as error:
            said.put(error)

    def _exists(self, service: str) -> bool:
        with in_our_words(self._engine.endpoint):
            return bool(self._engine.look.containers(all=True, filters={"id": self._containers[service]}))


def _lines(chunks: Any) -> Iterator[str]:
    """Lines from the engine's chunks, which may end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")
