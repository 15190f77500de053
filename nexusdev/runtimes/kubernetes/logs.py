"""The output of services by ``kubectl logs``, merged by time, across restarts."""

from __future__ import annotations

import contextlib
import heapq
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO
from urllib.parse import urlencode

from msgspec import Struct

from nexusdev.errors import NexusError, NotFound
from nexusdev.interfaces import LogLine
from nexusdev.runtimes.kubernetes.api_reader import ApiReader
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.places import ServicePlace, place_of
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot

_PATIENCE = 1.0  # seconds between two looks for a service that was restarted
_NANOSECONDS = re.compile(r"\.(\d{1,9})")
# The container has no log yet, or none any more.
_NO_LOG = re.compile(
    r"waiting to start|previous terminated container .* not found|is waiting|ContainerCreating|not found"
)


class _Source(Struct, frozen=True, kw_only=True):
    """A log: that of a container's present run, or of the run before."""

    service: str
    pod: str
    container: str
    previous: bool = False


class PodLogs:
    """The output of some services."""

    def __init__(
        self,
        kubectl: Kubectl,
        names: InstanceNames,
        look: Callable[[], ClusterSnapshot],
        services: Sequence[str],
        reader: ApiReader | None = None,
    ) -> None:
        self.kubectl = kubectl
        self._names = names
        self.look = look
        self._reader = reader
        seen = look()
        known = [name for each in seen.workloads.values() for name in each.services]
        if missing := [name for name in services if name not in known]:
            raise NotFound(
                f"{missing[0]} has no container", why="logs exist only for containers", hint="nexusdev status"
            )
        self._services = tuple(services or known)
        self._seen = seen

    def lines(self, *, tail: int | None, since: float | None, follow: bool) -> Iterator[LogLine]:
        """Return the written lines; with ``follow`` also new ones, until the iterator is closed."""
        last = dict.fromkeys(self._services, since or 0.0)
        told = [self._written(service, tail, since) for service in self._services]
        for line in heapq.merge(*told, key=lambda each: each.at):
            last[line.service] = line.at
            yield line
        if follow:
            yield from self._followed(last)

    def _written(self, service: str, tail: int | None, since: float | None) -> list[LogLine]:
        """Return the lines of a service, also those of the run before, if it was restarted."""
        place = self._place(service)
        if place is None:
            return []
        runs = [False, *([True] if place.status and place.status.previous else [])]
        found: list[LogLine] = []
        for previous in reversed(runs):
            source = _Source(service=service, pod=place.pod.name, container=place.container, previous=previous)
            found += self._read(source, tail, since)
        return found if tail is None else found[max(0, len(found) - tail) :]

    def _place(self, service: str) -> ServicePlace | None:
        try:
            return place_of(service, self._seen)
        except NotFound:
            return None  # it is stopped: its pod is gone, and its log

    def command(self, source: _Source, *more: str) -> tuple[str, ...]:
        previous = ("--previous",) if source.previous else ()
        pod, namespace = f"pod/{source.pod}", self._names.namespace
        return (
            "logs",
            pod,
            "--namespace",
            namespace,
            "--container",
            source.container,
            "--timestamps",
            *previous,
            *more,
        )

    def _read(self, source: _Source, tail: int | None, since: float | None) -> list[LogLine]:
        try:
            text = self._by_reader(source, tail, since) if self._reader else self._by_kubectl(source, tail, since)
        except NexusError as error:
            if not _NO_LOG.search(error.message):
                raise
            return []
        lines = (_line(source.service, each) for each in text.split(b"\n") if each)
        return [each for each in lines if each and (since is None or each.at >= since)]

    def _by_reader(self, source: _Source, tail: int | None, since: float | None) -> bytes:
        limits = {
            "container": source.container,
            "timestamps": "true",
            **({"previous": "true"} if source.previous else {}),
            **({} if tail is None else {"tailLines": str(tail)}),
            **({"sinceTime": _stamp(since)} if since else {}),
        }
        path = f"/api/v1/namespaces/{self._names.namespace}/pods/{source.pod}/log?{urlencode(limits)}"
        return self._reader.read(path) if self._reader else b""

    def _by_kubectl(self, source: _Source, tail: int | None, since: float | None) -> bytes:
        last = () if tail is None else (f"--tail={tail}",)
        from_then = (f"--since-time={_stamp(since)}",) if since else ()
        return self.kubectl.run(*self.command(source, *last, *from_then))

    def _followed(self, last: dict[str, float]) -> Iterator[LogLine]:
        output: queue.Queue[LogLine | BaseException] = queue.Queue()
        followers = [_Follower(self, service, at, output) for service, at in last.items()]
        try:
            for each in followers:
                each.start()
            while True:
                item = output.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            for each in followers:
                each.stop()


class _Follower:
    """Follows one service in a thread, across restarts and new pods. Lines that were read already are dropped."""

    def __init__(self, logs: PodLogs, service: str, at: float, output: queue.Queue[LogLine | BaseException]) -> None:
        self._logs = logs
        self._service = service
        self._at = at
        self._output = output
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"logs-{self._service}", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        if self._process:
            with contextlib.suppress(OSError):
                self._process.kill()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._follow()
                self._stop.wait(_PATIENCE)
        except BaseException as error:
            error.add_note(f"while following the log of {self._service}")
            self._output.put(error)

    def _follow(self) -> None:
        try:
            place = place_of(self._service, self._logs.look())
        except NotFound:
            return
        source = _Source(service=self._service, pod=place.pod.name, container=place.container)
        since = (f"--since-time={_stamp(self._at)}",) if self._at else ()
        command = self._logs.command(source, "--follow", *since)
        self._process = self._logs.kubectl.start(*command, stderr=subprocess.DEVNULL)
        if self._stop.is_set():
            self.stop()
            return
        out: IO[bytes] | None = self._process.stdout
        for text in out or ():
            line = _line(self._service, text.rstrip(b"\n"))
            if line and line.at > self._at:
                self._at = line.at
                self._output.put(line)
        self._process.wait()


def _line(service: str, text: bytes) -> LogLine | None:
    """Return a line; None for what has no time, such as a message of kubectl."""
    stamp, _, rest = text.decode(errors="replace").partition(" ")
    try:
        at = seconds(stamp)
    except ValueError:
        return None
    return LogLine(service=service, at=at, text=rest.rstrip("\r"))


def seconds(stamp: str) -> float:
    """Return a time with up to nine decimals as seconds since the epoch.

    Raises:
        ValueError: It is no time.
    """
    return datetime.fromisoformat(_NANOSECONDS.sub(lambda found: f".{found[1][:6]:0<6}", stamp)).timestamp()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
