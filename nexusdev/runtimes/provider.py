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
    """One kind of runtime, for all instances. ``registry.provider`` returns it by the name in ``--runtime``.

    It is constructed without arguments, or with ``options.RuntimeOptions``. It connects at its first use, once for all objects that it returns.
    """

    def labelled(self, labels: Mapping[str, str]) -> RuntimeProvider:
        """Return a provider whose instances have further labels, by which other tools find them; itself if it has no use for them."""

    @property
    def runs_single_servers(self) -> bool:
        """Whether it runs profiles with single servers (``stack.single``)."""

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        """Return the runtime of one instance. It connects at its first use.

        Args:
            instance: Its name, unique on this machine.
            owner: Its project folder, stored as a label of every created resource.
            state_path: Its state folder, stored as a label as well.
            stack: Its stack; without one the runtime cannot create anything.

        Returns:
            A runtime that shares the provider's connection.
        """

    def inventory(self, *, caches: bool = False) -> Inventory:
        """List the existing resources of every instance, and the host ports that others use.

        Args:
            caches: Whether to list the cache volumes of image builds too.

        Returns:
            Only resources with nexusdev's labels; ``port_holders`` and ``images_in_use`` include others.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def volume_sizes(self) -> Mapping[str, int]:
        """Measure the volumes.

        Returns:
            Full name of a volume → bytes; only for the volumes that the runtime measures within seconds.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def facts(self) -> PlatformFacts:
        """Query the runtime's properties.

        Returns:
            The facts that code above the runtimes needs. Details that only ``doctor`` shows are in ``checks``.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        """Check the runtime and its machine, for ``doctor``: version, permissions, memory, disk, required programs.

        Args:
            building: Returns whether images have to be built, which needs more disk space.

        Returns:
            The checks in the order in which they are shown.

        Raises:
            PreflightFailed: The runtime does not answer. Raised at the call, not at the first ``next``.
        """

    def preflight(self, stack: Stack) -> None:
        """Raise an error for a change that would fail or do harm. Called before the first step of ``up``, if there is a step.

        Args:
            stack: The stack to start.

        Raises:
            PreflightFailed: A requirement of the runtime is missing: disk space (DISK_FULL), a program, a published port.
        """

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        """Choose the resources that an instance needs from the platform besides its host ports. The choice is stored in its record.

        Args:
            slot: The number of its port block.
            others: The placements of other instances.
            pool: The range to choose from, from the user's settings; '' for the runtime's default.

        Returns:
            On a Docker engine the first three octets of its network; '' if nothing is needed.

        Raises:
            PreflightFailed: Nothing is free, or the runtime does not answer.
        """

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        """Check whether a placement can still be used. If the check fails, another placement must be chosen.

        Args:
            instance: The instance's name.
            placement: The result of ``placement`` for it.
            pool: As for ``placement``.

        Returns:
            A check that is ok if nothing is needed.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def require_reach(self, root: Path) -> None:
        """Raise an error if servers could not read the instance's files, or if ports would not be published on this machine.

        Args:
            root: The folder of the state of all instances.

        Raises:
            PreflightFailed: The runtime has no access to this machine's files, users or ports.
        """

    def require_clock(self) -> None:
        """Raise an error if the clocks of the runtime and this machine differ too much for certificates and signed requests.

        Raises:
            PreflightFailed: They differ by minutes (CLOCK_SKEW).
        """

    def image_store(self) -> ImageStore:
        """Return the store for pulls and builds of images. It shares the provider's connection.

        Raises:
            PreflightFailed: The runtime does not answer.
        """

    def own_images(self) -> tuple[str, ...]:
        """Tell which images the runtime itself needs before services can run, beside those of the stack.

        Returns:
            Their names in the image lock; none for most runtimes.
        """

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Make what the services of an instance run in, such as a cluster. No effect if it is there.

        ``up`` calls it before ``deliver``. ``up``, ``start`` and ``restart`` call it without references before they look: then what was
        stopped starts, and nothing is made.

        Args:
            stack: The stack of the instance whose runtime was made last.
            references: Name → reference of ``own_images``, which are in the store.
            say: Receives a line about what takes long.

        Raises:
            PortInUse: Something else has a published port.
            PreflightFailed: The runtime cannot make it.
        """

    def deliver(self, *references: str) -> None:
        """Copy images from the store to where services run, together if that is quicker. No effect if that is the same place. Idempotent.

        Args:
            references: The images' tags in the store.

        Raises:
            ImageUnavailable: The image is not in the store, or cannot be copied.
            PreflightFailed: The runtime does not answer.
        """
