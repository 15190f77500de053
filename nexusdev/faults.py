"""Faults that are injected on purpose, for drills and tests."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Fault(StrEnum):
    """A failure that is brought about on purpose."""

    KILL = "kill"  # the service is killed and stays down
    CRASH = "crash"  # its main process dies like after an internal error; the restart policy applies
    PAUSE = "pause"  # it keeps its memory and connections and does nothing
    RESUME = "resume"
    PARTITION = "partition"  # disconnected from the network in both directions
    HEAL = "heal"


class FaultInjector(Protocol):
    """Injects failures into one instance, for drills and tests."""

    def supports(self, fault: Fault) -> bool:
        """Whether this runtime can inject a fault.

        Args:
            fault: The fault.

        Returns:
            The same for every service, and without asking the runtime.
        """

    def inject(self, fault: Fault, *services: str) -> None:
        """Inject a fault. Pausing what is paused, or healing what is whole, changes nothing.

        Args:
            fault: The fault.
            services: The services that it hits, beginning with the first, some at once. Every one is tried.

        Raises:
            NotFound: A service does not run.
            UsageError: This runtime does not support the fault; or a service shares the network of another one, which must
                be partitioned instead.
            PreflightFailed: The runtime does not answer.
        """
