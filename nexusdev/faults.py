"""Failures that are brought about on purpose, for drills and tests."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Fault(StrEnum):
    """A failure that is brought about on purpose."""

    KILL = "kill"  # the service is killed and stays down
    CRASH = "crash"  # its main process dies as by an error of its own; the restart policy applies
    PAUSE = "pause"  # it keeps its memory and connections and does nothing
    RESUME = "resume"
    PARTITION = "partition"  # nobody reaches it over the network, and it reaches nobody
    HEAL = "heal"


class FaultInjector(Protocol):
    """Brings about failures in one instance, for drills and tests."""

    def supports(self, fault: Fault) -> bool:
        """Whether this runtime can bring it about."""

    def inject(self, fault: Fault, service: str) -> None:
        """Bring it about. Pausing what is paused, or healing what is whole, changes nothing.

        Raises:
            NotFound: The service does not run.
            UsageError: It shares the network of another service, which must be partitioned instead.
        """
