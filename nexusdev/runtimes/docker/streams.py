"""Streams of container exits and logs."""

from __future__ import annotations

import heapq
import queue
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nexusdev.interfaces import LogLine, ServiceExit
from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.observe import seconds

_TICK = 0.1  # seconds until a stop is noticed
_PATIENCE = 0.5  # seconds between two checks whether an ended container was restarted
_LONGEST_GRACE = 90.0  # maximum seconds between the stop request and the end
# If another signal than these preceded the end, the engine reports a moment later whether it was part of a stop or a removal.
_AFTERMATH = 0.25
_REQUESTS = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})


class ContainerExits:
    """The exits of containers from construction on, until ``stop.is_set()``."""

    def __init__(self, engine: Engine, instance: str, stop: threading.Event) -> None:
        self._engine = engine
        self._stop = stop
        self._heard: queue.Queue[ServiceExit | BaseException | None] = queue.Queue()
        filters = {"type": "container", "event": "die", "label": f"{labels.INSTANCE}={instance}"}
        self._stream = engine.http.events(filters=filters)
        threading.Thread(target=self._listen, name="engine-events", daemon=True).start()

    def _listen(self) -> None:
        try:
            with translate_engine_errors(self._engine.endpoint):
                for event in self._stream:
                    if event["Actor"]["Attributes"].get(labels.ROLE) != labels.ONE_OFF_ROLE:
                        self._heard.put(_container_exit(event, asked=self._asked(event)))
            self._heard.put(None)
        except BaseException as error:
            error.add_note("in the thread that receives the engine's events")
            self._heard.put(error)

    def _asked(self, event: Mapping[str, Any]) -> bool:
        """Return whether the stop was requested. Queries the engine's earlier events, because this process may have started later."""
        if _is_asked(before := self._around(event, after=0.0)):
            return True
        if not any(each["Action"] == "kill" for each in before):
            return False
        time.sleep(_AFTERMATH)
        return _is_asked(self._around(event, after=_AFTERMATH))

    def _around(self, event: Mapping[str, Any], *, after: float) -> list[Mapping[str, Any]]:
        """Return the events of a container's last run, up to ``after`` seconds after its end."""
        at = int(event["timeNano"])
        actions = ["start", "kill", "stop", "destroy"]
        filters = {"type": "container", "container": event["Actor"]["ID"], "event": actions}
        since, until = (_stamp(at + int(offset * 1e9)) for offset in (-_LONGEST_GRACE, after))
        stream = self._engine.http.events(filters=filters, since=since, until=until)
        try:
            found = list(stream)
        finally:
            stream.close()
        started = [number for number, each in enumerate(found) if each["Action"] == "start" and each["timeNano"] < at]
        return found[started[-1] + 1 :] if started else found

    def __iter__(self) -> Iterator[ServiceExit]:
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


def _is_asked(events: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether these events of one run of a container include a stop or a removal. Pure."""
    return any(
        event["Action"] in ("stop", "destroy") or (event["Action"] == "kill" and _signal(event) in _REQUESTS)
        for event in events
    )


def _signal(event: Mapping[str, Any]) -> int:
    """Return the number of the event's signal; 0 for none."""
    number = event["Actor"]["Attributes"].get("signal", "0")
    return int(number) if number.isdigit() else 0


def _stamp(nanoseconds: int) -> str:
    """Format a time for the engine, in nanoseconds, which a float cannot represent."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _container_exit(event: Mapping[str, Any], *, asked: bool) -> ServiceExit:
    attributes = event["Actor"]["Attributes"]
    return ServiceExit(
        service=attributes.get(labels.SERVICE, ""),
        exit_code=int(attributes.get("exitCode", 0)),
        at=event.get("timeNano", 0) / 1e9,
        asked=asked,
    )


class Logs:
    """The output of containers (service → id), merged by time."""

    def __init__(self, engine: Engine, containers: Mapping[str, str], *, tail: int | None, since: float | None) -> None:
        self._engine = engine
        self._containers = containers
        self._tail = "all" if tail is None else tail
        self._since = since

    def lines(self, *, follow: bool) -> Iterator[LogLine]:
        """Return the written lines; with ``follow`` also new ones, until the iterator is closed or all containers are gone."""
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
        with translate_engine_errors(self._engine.endpoint):
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
        output: queue.Queue[LogLine | BaseException | None] = queue.Queue()
        stop = threading.Event()
        for service, at in last.items():
            threading.Thread(
                target=self._follow, args=(service, at, output, stop), name=f"logs-{service}", daemon=True
            ).start()
        listening = len(last)
        try:
            while listening:
                item = output.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    listening -= 1
                else:
                    yield item
        finally:
            stop.set()

    def _follow(
        self, service: str, at: float, output: queue.Queue[LogLine | BaseException | None], stop: threading.Event
    ) -> None:
        """Follow one container across restarts. The engine's ``since`` is inclusive, so lines that were already read are dropped."""
        try:
            while not stop.is_set() and self._exists(service):
                for line in self._read(service, since=at or None, follow=True):
                    if stop.is_set():
                        return
                    if line.at > at:
                        at = line.at
                        output.put(line)
                time.sleep(_PATIENCE)
            output.put(None)
        except BaseException as error:
            error.add_note(f"while following the log of {service}")
            output.put(error)

    def _exists(self, service: str) -> bool:
        with translate_engine_errors(self._engine.endpoint):
            return bool(self._engine.http.containers(all=True, filters={"id": self._containers[service]}))


def _lines(chunks: Any) -> Iterator[str]:
    """Yield lines from the engine's chunks, which may end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")
