"""Makes Patroni act now instead of at its next round, to be ready sooner."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable

from nexusdev.components import https_connection
from nexusdev.components.postgres import names
from nexusdev.components.postgres.readiness import Facts
from nexusdev.interfaces import InstanceAccess

_EVERY = 0.5


def wake(access: InstanceAccess, node: str) -> None:
    """Let this node's Patroni run its loop now. A failure is ignored: the next probe finds it."""
    credentials = b64encode(f"{names.REST_USER}:{access.secrets.read(names.REST_PASSWORD)}".encode()).decode()
    try:
        https_connection.request(
            "PATCH",
            access.address(node, names.REST),
            "/config",
            access=access,
            timeout=2.0,
            name=node,
            body=b'{"loop_wait": 2}',
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
    except OSError:
        return


class Nudge:
    """Wakes the leader when its replicas stream and it has not taken them into the quorum yet.

    Patroni looks every ``loop_wait`` (2 s) and needs two rounds; a change of its configuration that changes nothing makes it look
    at once. Harmless at any time, so the only state is when it was done last.
    """

    def __init__(self, wake: Callable[[InstanceAccess, str], None] = wake) -> None:
        self._wake = wake
        self._last = 0.0
        self._lock = threading.Lock()

    def __call__(self, access: InstanceAccess, facts: Facts) -> None:
        leader = next((member.name for member in facts.members if member.leads), "")
        waiting = [member for member in facts.members if member.role == "replica" and member.state == "streaming"]
        if leader and waiting and self._is_time():
            self._wake(access, leader)

    def _is_time(self) -> bool:
        with self._lock:
            now = time.monotonic()
            due = now - self._last >= _EVERY
            if due:
                self._last = now
            return due
