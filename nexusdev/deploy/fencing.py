"""Watches the exits of services, and fences a leading server that has provably ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from nexusdev.components.contract import Component
from nexusdev.components.drills import Fences, Fencing
from nexusdev.errors import NexusError, PreflightFailed
from nexusdev.interfaces import InstanceAccess, ServiceExit
from nexusdev.plan import Observation, Phase

#: Seconds until a runtime that does not answer is asked again.
RETRY_AFTER = 0.5
#: Seconds that a runtime may take to show an exit that it has reported, and the pause between two looks. The Docker Engine reports an exit
#: before its list of containers has it.
SHOWN_WITHIN, LOOK_AGAIN = 2.0, 0.1


class Watcher:
    """Fences what ends, until it is stopped.

    Args:
        access: The instance.
        components: Name → component.
        tell: Called with what was done or not done after each exit of a service whose component fences.
    """

    def __init__(
        self, access: InstanceAccess, components: Mapping[str, Component], tell: Callable[[Fencing], None]
    ) -> None:
        self._access = access
        self._components = components
        self._tell = tell
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let ``run`` end within a second."""
        self._stop.set()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Watch until ``stop``. A runtime that does not answer is asked again.

        Args:
            ready: Called each time when exits are received from then on.
        """
        while not self._stop.is_set():
            try:
                exits = self._access.runtime.watch_exits(self._stop)
                ready()
                for exited in exits:
                    self._heard(exited)
            except NexusError as error:
                if error.is_bug:
                    raise
                self._stop.wait(RETRY_AFTER)

    def _heard(self, exited: ServiceExit) -> None:
        service = self._access.topology.services.get(exited.service)
        component = self._components.get(service.component) if service else None
        if not isinstance(component, Fences):
            return
        if exited.asked:  # a stop: the server gave its role away by itself
            return
        if not self._is_proven(exited):
            self._tell(Fencing(service=exited.service, why="it runs again, or its end is not proven"))
            return
        self._tell(component.fence(self._access, exited.service))

    def _is_proven(self, exited: ServiceExit) -> bool:
        """Look until the runtime shows the end. A service that goes on to be shown as running was started again."""
        end = time.monotonic() + SHOWN_WITHIN
        while not has_ended(exited, observation := self._observe()):
            if not shows_as_running(exited, observation) or time.monotonic() >= end or self._stop.wait(LOOK_AGAIN):
                return False
        return True

    def _observe(self) -> Observation:
        """Return a new observation; the exit alone is no proof."""
        for _ in range(2):
            try:
                return self._access.runtime.observe()
            except PreflightFailed:
                time.sleep(RETRY_AFTER)
        return self._access.runtime.observe()


def has_ended(exited: ServiceExit, observation: Observation) -> bool:
    """Return whether it is proven that the processes of a service do not exist, and that nothing is about to start them again. Pure.

    A service that the runtime restarts is not fenced: its new process may still read the leader key as its own, and would lead beside the
    new leader until it looks again.

    Args:
        exited: The exit that was reported.
        observation: What exists after it. A service that is gone counts as not proven: the runtime may have lost sight of it.
    """
    observed = observation.services.get(exited.service)
    return observed is not None and observed.phase in (Phase.STOPPED, Phase.FAILED)


def shows_as_running(exited: ServiceExit, observation: Observation) -> bool:
    """Return whether a runtime shows a service as running whose exit it has reported: it was started again, or the list is late. Pure."""
    observed = observation.services.get(exited.service)
    return observed is not None and observed.phase is Phase.RUNNING


@contextmanager
def fencing(
    access: InstanceAccess, components: Mapping[str, Component], tell: Callable[[Fencing], None]
) -> Iterator[None]:
    """Fence what ends during the block. Returns when exits are received. Arguments as for ``Watcher``."""
    watcher, ready = Watcher(access, components, tell), threading.Event()
    thread = threading.Thread(target=watcher.run, args=(ready.set,), name="fencing", daemon=True)
    thread.start()
    ready.wait(5.0)
    try:
        yield
    finally:
        watcher.stop()
        thread.join(timeout=3.0)
