"""The Docker engine of this process's environment, as ``--runtime docker`` provides it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexusdev.interfaces import Runtime
    from nexusdev.plan.inventory import EngineInventory
    from nexusdev.runtimes.docker.connection import EngineFacts
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.stack.model import Stack


class DockerProvider:
    """provider.RuntimeProvider over the Engine API. Connects at the first question."""

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        from nexusdev.runtimes.docker.runtime import DockerRuntime

        return DockerRuntime(
            f"nexusdev-{instance}",
            instance=instance,
            owner_path=str(owner),
            state_path=state_path,
            stack=stack,
        )

    def inventory(self, *, caches: bool = False) -> EngineInventory:
        from nexusdev.runtimes.docker.connection import engine, translate_engine_errors
        from nexusdev.runtimes.docker.inventory import inventory

        found = engine()
        with translate_engine_errors(found.endpoint):
            return inventory(found, caches=caches)

    def volume_sizes(self) -> Mapping[str, int]:
        from nexusdev.runtimes.docker.connection import engine
        from nexusdev.runtimes.docker.inventory import volume_sizes

        return volume_sizes(engine())

    def facts(self) -> EngineFacts:
        from nexusdev.runtimes.docker.connection import engine

        return engine().facts()

    def image_store(self) -> ImageStore:
        from nexusdev.runtimes.docker.images import image_store

        return image_store()

    def deliver(self, reference: str) -> None:
        """Nothing to do: the engine starts containers from its own store."""
