"""The files of a forward in the state folder: what it shall do, how it is, and the lock that it holds as long as it lives."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

CONNECTED, CONNECTING, FAILED = "connected", "connecting", "failed"


class ForwardConfig(NamedTuple):
    """What a forward does.

    Attributes:
        kubectl: The beginning of every command line, with the context.
        namespace: The namespace.
        name: The gateway: its Deployment and its Service.
        reach: ``forward``, ``node-port`` or ``load-balancer``. Where an address does not answer, it forwards.
        ports: Host port → port of the gateway.
        health: The port at which the gateway answers ``/healthz``.
    """

    kubectl: tuple[str, ...]
    namespace: str
    name: str
    reach: str
    ports: Mapping[int, int]
    health: int

    def text(self) -> str:
        """Return the content of its file."""
        values = {**self._asdict(), "ports": {str(host): port for host, port in sorted(self.ports.items())}}
        return json.dumps(values, indent=1, sort_keys=True)


class ForwardStatus(NamedTuple):
    """How a forward is.

    Attributes:
        pid: The process.
        phase: ``connected``, ``connecting`` or ``failed``; '' before it has written anything.
        route: How it reaches the gateway: ``the API server``, ``load-balancer 192.0.2.7``.
        problem: Why it is not connected, or why it does not use the route that was asked for; '' for nothing.
        taken: The host port that another process has; 0 for none.
        child: The process of kubectl; 0 for none.
    """

    pid: int = 0
    phase: str = ""
    route: str = ""
    problem: str = ""
    taken: int = 0
    child: int = 0


class ForwardFiles:
    """The files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.json"
        self.status = folder / "status.json"
        self.lock = folder / "lock"
        self.log = folder / "log"

    def read_config(self) -> ForwardConfig | None:
        """Return what the forward shall do; None if there is nothing that can be read."""
        try:
            values = json.loads(self.config.read_text(encoding="utf-8"))
            ports = {int(host): int(port) for host, port in values.pop("ports").items()}
            return ForwardConfig(**{**values, "kubectl": tuple(values["kubectl"]), "ports": ports})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read_status(self) -> ForwardStatus:
        """Return how it is, as it wrote last."""
        try:
            return ForwardStatus(**json.loads(self.status.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return ForwardStatus()

    def write_status(self, status: ForwardStatus) -> None:
        """Write how it is. A folder that is gone is no error: the forward ends soon."""
        new = self.status.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            new.write_text(json.dumps(status._asdict()), encoding="utf-8")
            new.replace(self.status)

    def is_running(self) -> bool:
        """Return whether a process holds the lock. Process ids may be those of others by now; a lock is not."""
        try:
            with self.lock.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
                return False
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock during the block, and yield whether it was free."""
        with self.lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
