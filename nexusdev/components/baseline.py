"""The protocol of a component whose data goes back to its baseline: what seeding makes of empty servers (``nexusdev reset``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from nexusdev.components.contract import Change
from nexusdev.interfaces import InstanceAccess


class Baseline(Struct, frozen=True, kw_only=True):
    """The state to which a component goes back.

    Attributes:
        fingerprint: A hash over everything that seeding depends on. A component that keeps a copy of the seeded state compares it.
        seed: Seeds the component, and applies the project's files. Idempotent; raises ``SeedingFailed``.
    """

    fingerprint: str
    seed: Callable[[], Sequence[Change]]


@runtime_checkable
class HasBaseline(Protocol):
    """A component whose servers keep data of applications. Users, passwords and leases are no part of that data."""

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        """Return the clients that are connected to the data, one description each. Connections of nexusdev and of exporters do not count.

        Raises:
            SeedingFailed: No server answers.
        """

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        """Replace the data by the baseline, in running servers. Repeatable at any point, also after an interruption.

        Args:
            access: The instance.
            baseline: The state to go back to.

        Returns:
            What changed.

        Raises:
            SeedingFailed: A server does not answer or rejects a change, or a seed file fails.
        """
