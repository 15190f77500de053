"""The provider of the Docker runtime (``--runtime docker``), for the engine that the environment names."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.util.memo import Memo

if TYPE_CHECKING:
    from nexusdev.check import Check
    from nexusdev.interfaces import PlatformFacts, Runtime
    from nexusdev.inventory import Inventory
    from nexusdev.runtimes.docker.connection import Engine, EngineFacts
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.stack.model import Stack


class DockerProvider:
    """``provider.RuntimeProvider`` over the Engine API. Connects at its first use; everything that it returns shares the connection."""

    runs_single_servers = True

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        """Remember the labels that all resources get besides nexusdev's own. Nothing is connected yet."""
        self._memo = Memo()
        self._labels = labels or {}

    def labelled(self, labels: Mapping[str, str]) -> DockerProvider:
        return DockerProvider(labels)

    def engine(self) -> Engine:
        """Return the connection. Raises PreflightFailed."""
        from nexusdev.runtimes.docker.connection import engine

        return self._memo.get("engine", engine)

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        from nexusdev.runtimes.docker.runtime import DockerRuntime

        return DockerRuntime(
            f"nexusdev-{instance}",
            instance=instance,
            owner_path=str(owner),
            state_path=state_path,
            stack=stack,
            connect=self.engine,
            more_labels=self._labels,
        )

    def inventory(self, *, caches: bool = False) -> Inventory:
        from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
        from nexusdev.runtimes.docker.inventory import inventory

        found = self.engine()
        with translate_engine_errors(found.endpoint):
            return inventory(found, caches=caches)

    def volume_sizes(self) -> Mapping[str, int]:
        from nexusdev.runtimes.docker.inventory import volume_sizes

        return volume_sizes(self.engine())

    def facts(self) -> PlatformFacts:
        from nexusdev.interfaces import PlatformFacts

        facts = self._facts()
        return PlatformFacts(
            version=f"{facts.version} (API {facts.api_version})", rootless=facts.rootless, identity=facts.identity
        )

    def _facts(self) -> EngineFacts:
        """Return what the engine says about itself, asked once. ``checks`` asks again, because it compares the engine's clock."""
        return self._memo.get("facts", lambda: self.engine().facts())

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        from nexusdev.runtimes.docker.checks import checks

        return checks(self.engine().facts(), building=building)

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        from nexusdev.runtimes.docker.subnets import choose_net

        taken = (text for _, text in self._subnets())
        return choose_net(slot, [*taken, *(f"{net}.0/24" for net in others)], pool=pool)

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        from nexusdev.runtimes.docker.subnets import check

        return check(placement, f"nexusdev-{instance}", self._subnets(), pool=pool)

    def _subnets(self) -> list[tuple[str, str]]:
        from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
        from nexusdev.runtimes.docker.subnets import subnets

        found = self.engine()
        with translate_engine_errors(found.endpoint):
            return list(subnets(found.http.networks()))

    def preflight(self, stack: Stack) -> None:
        """Raises PreflightFailed (USERNS_REMAP, DISK_FULL, CLOCK_SKEW)."""
        del stack
        from nexusdev.runtimes.docker.checks import require_room
        from nexusdev.runtimes.docker.reach import require_same_users

        facts = self._facts()
        require_same_users(facts)
        require_room(Path(facts.data_root))
        self.require_clock()

    def require_reach(self, root: Path) -> None:
        from nexusdev.runtimes.docker.reach import require_reach

        require_reach(self.engine(), self._facts(), root)

    def require_clock(self) -> None:
        from nexusdev.runtimes.docker.checks import require_clock

        require_clock(self.engine().now(), time.time())

    def image_store(self) -> ImageStore:
        from nexusdev.runtimes.docker.images import DockerImages

        return DockerImages(self.engine())

    def own_images(self) -> tuple[str, ...]:
        """Return nothing: the engine needs no image of its own."""
        return ()

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Do nothing: the engine is there."""

    def deliver(self, *references: str) -> None:
        """Do nothing: the engine starts containers from its own store."""
