"""The fixture ``nexus_chaos``: failures of servers, by the runtime's fault injector, and the way back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from nexusdev.api_queries import succeeded
from nexusdev.errors import Degraded, NexusError, NotFound, NotReadyInTime, UsageError
from nexusdev.faults import Fault

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.faults import FaultInjector
    from nexusdev.testing.run import TestRun

#: Roles of the one server of a component that takes writes.
LEADING = frozenset({"primary", "master", "active"})
_POLL = 0.2
#: What ends a lasting fault.
_UNDONE = {Fault.PAUSE: Fault.RESUME, Fault.PARTITION: Fault.HEAL}


def leaders(context: Context) -> Mapping[str, str]:
    """Return the server that leads, by component: ``postgres`` → ``postgresql-0``.

    Raises:
        NexusError: The instance or its runtime does not answer.
    """
    from nexusdev.operations.status import status

    rows = status(context).services
    return {row.component: row.service for row in rows if row.role in LEADING and row.ok}


class Chaos:
    """Breaks servers of the instance. Other tests wait meanwhile; afterwards everything is ready and proven again."""

    def __init__(self, run: TestRun) -> None:
        """Look at the servers as they are before the first fault.

        Raises:
            UsageError: The runtime of the instance cannot inject faults.
        """
        self._run = run
        context = run.fresh_context()
        runtime = context.runtime(context.stack(run.instance), owner=run.instance.owner)
        if runtime.faults is None:
            raise UsageError(f"the runtime of instance {run.instance.name} cannot inject faults")
        self._faults: FaultInjector = runtime.faults
        found = runtime.observe().services
        self._components = {name: each.component for name, each in found.items()}
        self._running = tuple(name for name, each in found.items() if each.runs)
        self._lasting: dict[str, set[Fault]] = {}
        self._led: dict[str, str] = {}

    def leader(self, component: str) -> str:
        """Return the server that takes the writes of a component: the primary, the master, Vault's active node.

        Raises:
            NotFound: The component has no such server, or none at the moment.
        """
        found = leaders(self._run.fresh_context())
        if component not in found:
            raise NotFound(f"{component} has no leader", hint="nexusdev status   show the servers and their roles")
        return found[component]

    def kill(self, service: str) -> None:
        """Kill a server. It stays down until the end of the test."""
        self._inject(Fault.KILL, service)

    def crash(self, service: str) -> None:
        """Let a server's main process die. It is started again, as after an internal error."""
        self._inject(Fault.CRASH, service)

    def pause(self, service: str) -> None:
        """Stop a server's processes. It keeps its memory and its connections."""
        self._inject(Fault.PAUSE, service)

    def resume(self, service: str) -> None:
        """Let a paused server go on."""
        self._inject(Fault.RESUME, service)

    def partition(self, service: str) -> None:
        """Disconnect a server from the network, in both directions."""
        self._inject(Fault.PARTITION, service)

    def heal(self, service: str) -> None:
        """Connect a server to the network again."""
        self._inject(Fault.HEAL, service)

    def wait_failover(self, component: str, *, timeout: float = 60.0) -> str:
        """Wait until another server leads than before the last fault in this component, and takes writes.

        Args:
            component: ``postgres``, ``redis`` or ``vault``.
            timeout: Seconds.

        Returns:
            The server that leads now.

        Raises:
            NotReadyInTime: No other server took over in time.
            UsageError: No fault was injected into a component with a leader.
        """
        if component not in self._led:
            raise UsageError(f"no server of {component} was broken in this test, or it has no leader")
        end = time.monotonic() + timeout
        while (now := leaders(self._run.fresh_context()).get(component, "")) in ("", self._led[component]):
            if time.monotonic() >= end:
                raise NotReadyInTime(
                    f"no other server of {component} took over within {timeout:.0f} s",
                    why=f"{self._led[component]} led before the fault, {now or 'no server'} leads now",
                    hint="nexusdev status   show the servers and their roles",
                )
            time.sleep(_POLL)
        self._until_published(component, end)
        return now

    def _until_published(self, component: str, end: float) -> None:
        """Wait until the published addresses lead to the server that leads now. Raises the last failure of their proof."""
        from nexusdev.env import stored
        from nexusdev.env.proof import prove

        kept = stored.read(self._run.instance.folder)
        values = kept.views["host"]
        endpoints = tuple(self._run.context.components[component].endpoints(values))
        while True:
            try:
                prove(endpoints, values, instance=kept.instance, nonce=kept.nonce)
            except (Degraded, NotFound):
                if time.monotonic() >= end:
                    raise
                time.sleep(_POLL)
            else:
                return

    def restore(self) -> None:
        """Undo all faults, start what ended, wait until everything is ready, and prove it with the published credentials.

        Raises:
            NexusError: A server does not become ready, or does not answer as published.
        """
        from nexusdev.context import open_context
        from nexusdev.deploy.publisher import prove
        from nexusdev.env import stored
        from nexusdev.operations.lifecycle import start

        for service, faults in self._lasting.items():
            for fault in faults:
                with suppress(NotFound):  # it has ended meanwhile, and is started below
                    self._faults.inject(_UNDONE[fault], service)
        instance = self._run.instance
        # as its owner: the tests may be in another folder (--nexus-instance)
        context = open_context(instance.owner, flags={"instance": instance.name})
        succeeded(start(context, self._running))
        prove(stored.read(instance.folder), context.components)

    def _inject(self, fault: Fault, service: str) -> None:
        if not self._faults.supports(fault):
            raise UsageError(f"the runtime of instance {self._run.instance.name} does not support the fault {fault}")
        component = self._components.get(service, "")
        undone = [each for each, end in _UNDONE.items() if end is fault]
        if not undone:
            with suppress(NexusError):  # a status that fails leaves the leader of before
                self._led.update(
                    {component: found} if (found := leaders(self._run.fresh_context()).get(component)) else {}
                )
        self._faults.inject(fault, service)
        lasting = self._lasting.setdefault(service, set())
        lasting.difference_update(undone)
        if fault in _UNDONE:
            lasting.add(fault)
