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
    """One kind of runtime. ``registry.provider`` finds it by the name that ``--runtime`` gives."""

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        """The runtime of one instance. Connects when first used.

        Args:
            instance: Its name.
            owner: Its project folder, which becomes a label of what is made.
            state_path: Its state folder, likewise.
            stack: What it consists of; without one the runtime can create nothing.
        """

    def inventory(self, *, caches: bool = False) -> Inventory:
        """What the engine holds of every instance; with ``caches``, the volumes of image builds too.

        Raises:
            PreflightFailed: The engine does not answer.
        """

    def volume_sizes(self) -> Mapping[str, int]:
        """Bytes of each volume by its full name; none where the engine does not tell quickly."""

    def facts(self) -> PlatformFacts:
        """What the runtime says of itself. Raises PreflightFailed."""

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        """What ``doctor`` asks about the runtime and the machine under it.

        Args:
            building: Whether images have to be built, which needs more room.

        Raises:
            PreflightFailed: At once, where the runtime does not answer.
        """

    def placement(self, slot: int, others: Collection[str]) -> str:
        """What an instance needs of the platform beside its host ports, chosen once and kept in its record.

        Args:
            slot: The number of its port block.
            others: The placements of other instances.

        Returns:
            On a Docker engine the first three octets of its network; '' where nothing is needed.

        Raises:
            PreflightFailed: Nothing is free, or the runtime does not answer.
        """

    def check_placement(self, instance: str, placement: str) -> Check:
        """For ``doctor``: whether what was chosen is still free of others. Raises PreflightFailed."""

    def require_room(self) -> None:
        """Refuse to start where the runtime stores on a disk that is nearly full. Raises PreflightFailed (DISK_FULL)."""

    def image_store(self) -> ImageStore:
        """The images of this runtime. Raises PreflightFailed."""

    def deliver(self, reference: str) -> None:
        """Make an image of the store available where containers run; nothing to do where that is the same place."""
