"""Detects services that exit while a command waits for them, and reports the cause and the last log lines."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.capabilities import Diagnosis
from nexusdev.errors import CrashedDuringStart, NexusError
from nexusdev.interfaces import Runtime, ServiceExit
from nexusdev.plan import Observation, ObservedService
from nexusdev.stack.model import Service

LOG_LINES = 15
_COMPLAINT = re.compile(r"fatal|panic|error|fail|invalid|cannot|can't|denied|refused|corrupt|no space", re.IGNORECASE)
_OUT_OF_MEMORY, _NO_COMMAND, _NOT_EXECUTABLE, _SIGNALLED = 137, 127, 126, 128


class ExitMonitor(Struct, kw_only=True):
    """Detects services that exit while a command waits for them, from the runtime's events and from periodic observations.

    A service is watched from its start, by the runtime's clock. Services that this command stops or removes are not crashes.

    Attributes:
        forgiving: Whether a service that another process stops or removes on purpose is not a crash either.
        retry_after: Seconds until exits are received again after an error of the runtime.
    """

    runtime: Runtime
    services: Mapping[str, Service]
    forgiving: bool = False
    retry_after: float = 1.0
    _since: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _exits: list[ServiceExit] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _failure: Exception | None = None

    def __enter__(self) -> ExitMonitor:
        threading.Thread(target=self._listen, name="exit-monitor", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def watch(self, service: str, *, starts: bool = True) -> None:
        """Treat an exit of this service as a crash from now on. ``starts``: the service is being started now."""
        self._since[service] = self.runtime.now()
        if starts:
            self._began[service] = self._since[service]

    def release(self, service: str) -> None:
        """Stop watching a service, because this command is about to stop it."""
        self._since.pop(service, None)

    def crashed(self) -> ServiceExit | None:
        """Return the first crash of a service that is not optional.

        Raises:
            Exception: The thread that receives the exits failed: a bug.
        """
        if self._failure is not None:
            raise self._failure
        return next((exited for exited in tuple(self._exits) if self._counts(exited)), None)

    def lasted(self, exited: ServiceExit) -> float:
        """Return the seconds from the start of a service to its exit; 0.0 if the start was not observed."""
        began = self._began.get(exited.service, 0.0)
        return exited.at - began if began else 0.0

    def inspect(self, observation: Observation) -> None:
        """Process an observation of all services, in case an exit event was missed."""
        known = {(exited.service, round(exited.at)) for exited in tuple(self._exits)}
        for name, observed in observation.services.items():
            ended = observed.exit
            if observed.has_ended and ended and (name, round(ended.at)) not in known:
                at = ended.at or self.runtime.now()
                self._exits.append(ServiceExit(service=name, exit_code=ended.code, at=at))

    def _counts(self, exited: ServiceExit) -> bool:
        if exited.asked and self.forgiving:
            return False
        began = self._since.get(exited.service)
        service = self.services.get(exited.service)
        return began is not None and exited.at > began and service is not None and not service.optional

    def _listen(self) -> None:
        """Receive exits until the monitor is left. An error of the runtime interrupts it: the next observation has what was missed."""
        try:
            while not self._stop.is_set():
                self._receive()
                self._stop.wait(self.retry_after)
        except Exception as error:
            error.add_note("in the thread that receives the exits of services")
            self._failure = error

    def _receive(self) -> None:
        try:
            for exited in self.runtime.watch_exits(self._stop):
                self._exits.append(exited)
        except NexusError as error:
            if error.is_bug:
                raise


def crash(
    exited: ServiceExit,
    service: Service,
    observed: ObservedService | None,
    log: Sequence[str],
    *,
    lasted: float = 0.0,
    diagnosis: Diagnosis | None = None,
    ended_by: str = "",
) -> CrashedDuringStart:
    """Return the error for a service that exited while a command waited for its component.

    Args:
        exited: The exit, as the runtime reported it.
        service: The service.
        observed: How the runtime sees it now; None if it is gone.
        log: Its last log lines.
        lasted: Seconds from its start to its exit; 0.0 if unknown.
        diagnosis: The component's explanation of the log; None if it has none.
        ended_by: What may have stopped it from outside, in the runtime's words.
    """
    after = f" {lasted:.1f} s after its start" if lasted > 0 else ""
    if exited.asked:
        return _stopped(service, after, ended_by)
    return CrashedDuringStart(
        f"{service.component} is not ready: {service.name} exited (code {exited.exit_code}){after}",
        why=diagnosis.why if diagnosis else cause(exited.exit_code, service, observed) or complaint(log),
        hint=diagnosis.hint
        if diagnosis
        else f"nexusdev logs {service.name}   show its full log\nnexusdev up   try again",
        evidence=tuple(log) or ("its log is empty",),
        code=diagnosis.code if diagnosis else "",
    )


def _stopped(service: Service, after: str, ended_by: str) -> CrashedDuringStart:
    """Return the error for a service that was stopped from outside. The log is left out, because it has no cause."""
    return CrashedDuringStart(
        f"{service.component} is not ready: {service.name} was stopped{after}",
        why="it was stopped from outside nexusdev" + (f": {ended_by}" if ended_by else ""),
        hint="nexusdev up   start it again",
    )


def cause(exit_code: int, service: Service, observed: ObservedService | None) -> str:  # noqa: PLR0911 - one per cause
    """Return the meaning of an exit code; '' if only the log can explain it."""
    ended = observed.exit if observed else None
    if ended and ended.out_of_memory:
        return f"it was killed because it ran out of memory; its limit is {service.memory_bytes // 2**20} MiB"
    if ended and ended.reason:
        return ended.reason
    if exit_code in (_NO_COMMAND, _NOT_EXECUTABLE):
        return f"its command cannot be executed in image {service.image}"
    if exit_code == _OUT_OF_MEMORY:
        return "it was killed (SIGKILL), by a user or because memory ran out"
    if exit_code > _SIGNALLED:
        return f"it was terminated by signal {exit_code - _SIGNALLED}"
    if exit_code == 0:
        return "it exited without an error, but a server must keep running"
    return ""


def complaint(log: Sequence[str]) -> str:
    """Return the last log line that reports a failure, as a sentence; '' if there is none."""
    found = next((line for line in reversed(log) if _COMPLAINT.search(line)), "")
    return f"its log contains: {found.strip()}" if found else ""


def last_lines(runtime: Runtime, service: str, count: int = LOG_LINES) -> tuple[str, ...]:
    """Return the last lines of a service's log; empty if the log cannot be read."""
    try:
        return tuple(line.text for line in runtime.logs([service], tail=count))[-count:]
    except NexusError:
        return ()
