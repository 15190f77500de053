"""The RuntimeProvider protocol: runtimes of instances, an inventory, facts, and an image store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nexusdev.check import Check
    from nexusdev.interfaces import PlatformFacts, Runtime
    from nexusdev.inventory import Inventory
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.stack.model import Stack


class RuntimeProvider(Protocol):
    """One kind of runtime, for all instances. ``registry.provider`` finds it by the name that ``--runtime`` gives.

    It is made without arguments and connects when it is first asked something, once for everything that it returns.
    """

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        """Make the runtime of one instance. It connects when it is first used.

        Args:
            instance: Its name, unique on this machine.
            owner: Its project folder, which everything that is made is labelled with.
            state_path: Its state folder, likewise.
            stack: What it consists of; without one the runtime can create nothing.

        Returns:
            A runtime that shares the provider's connection.
        """

    def inventory(self, *, caches: bool = False) -> Inventory:
        """List what exists of every instance, and the host ports that others use.

        Args:
            caches: Also list the volumes that image builds keep.

        Returns:
            Only what has the labels of nexusdev; ``port_holders`` and ``images_in_use`` also of others.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def volume_sizes(self) -> Mapping[str, int]:
        """Measure the volumes.

        Returns:
            Full name of a volume → bytes; only those that the runtime tells within seconds.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def facts(self) -> PlatformFacts:
        """Ask the runtime about itself.

        Returns:
            What code above the runtimes needs to know. What only ``doctor`` shows is in ``checks``.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        """Examine the runtime and the machine under it, for ``doctor``: version, permissions, memory, disk, required programs.

        Args:
            building: Whether images have to be built, which needs more room.

        Returns:
            The checks in the order in which they are shown.

        Raises:
            PreflightFailed: At the call, not at the first ``next``: the runtime does not answer.
        """

    def preflight(self, stack: Stack) -> None:
        """Refuse a change that would fail or do harm. Called before the first step of ``up``, if there is a step.

        Args:
            stack: What is to run.

        Raises:
            PreflightFailed: Something that the runtime needs is missing: room on its disk (DISK_FULL), a program, a published port.
        """

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        """Choose what an instance needs of the platform besides its host ports. It is chosen once and kept in its record.

        Args:
            slot: The number of its port block.
            others: The placements of other instances.
            pool: What to choose from, as the user's settings say; '' for the runtime's own choice.

        Returns:
            On a Docker engine the first three octets of its network; '' if nothing is needed.

        Raises:
            PreflightFailed: Nothing is free, or the runtime does not answer.
        """

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        """Whether what was chosen can still be used: a failed check means that another placement must be chosen.

        Args:
            instance: The instance's name.
            placement: What ``placement`` returned for it.
            pool: As for ``placement``.

        Returns:
            A check that is ok if nothing is needed.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def require_reach(self, root: Path) -> None:
        """Refuse to make an instance whose servers could not read its files, or whose ports would not be on this machine.

        Args:
            root: The folder of all instances' state.

        Raises:
            PreflightFailed: The runtime does not reach this machine's files, users or ports.
        """

    def require_clock(self) -> None:
        """Refuse to start where the runtime's clock and this machine's differ too much for certificates and signed requests.

        Raises:
            PreflightFailed: They differ by minutes (CLOCK_SKEW).
        """

    def image_store(self) -> ImageStore:
        """Open the store that images are pulled into and built in. It shares the provider's connection.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def deliver(self, reference: str) -> None:
        """Copy an image from the store to where services run; nothing to do if that is the same place.

        Args:
            reference: The image's tag in the store. Delivering it again changes nothing.

        Raises:
            ImageUnavailable: The image is not in the store, or cannot be copied.
            PreflightFailed: The runtime does not answer.
        """
