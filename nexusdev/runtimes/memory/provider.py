"""The provider over an engine in memory: all its runtimes share one engine. For tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from nexusdev.check import Check
from nexusdev.interfaces import PlatformFacts, Runtime
from nexusdev.inventory import Inventory
from nexusdev.runtimes.docker.checks import checks, require_clock, require_room
from nexusdev.runtimes.docker.connection import EngineFacts
from nexusdev.runtimes.docker.labels import ONE_OFF_ROLE
from nexusdev.runtimes.docker.plan.inventory import OwnedResource, by_instance
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.docker.reach import require_same_users
from nexusdev.runtimes.docker.subnets import check, choose_net
from nexusdev.runtimes.image_store import ImageStore
from nexusdev.runtimes.memory.engine import ALIVE, FakeContainer, FakeEngine
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.stack.model import Stack

FACTS = EngineFacts(
    endpoint="unix:///var/run/docker.sock",
    origin="the default socket",
    version="27.0.1",
    api_version="1.46",
    operating_system="Debian GNU/Linux 12",
    cpus=2,
    memory_bytes=8 * 2**30,
    data_root="/nonexistent",
    containers=0,
    rootless=False,
)


class MemoryProvider(Struct, kw_only=True):
    """``provider.RuntimeProvider`` over one FakeEngine.

    Attributes:
        engine: The engine that all instances share.
        engine_facts: The facts that the engine reports.
        sizes: Full name of a volume → bytes.
        store: The image store.
        delivered: Every image that was delivered, in order.
        routes: The machine's routing table, as in /proc/net/route.
        runs_single_servers: Whether it runs profiles with single servers.
    """

    engine: FakeEngine = field(default_factory=FakeEngine)
    engine_facts: EngineFacts = FACTS
    sizes: dict[str, int] = field(default_factory=dict)
    store: MemoryImages = field(default_factory=MemoryImages)
    delivered: list[str] = field(default_factory=list)
    routes: Path = Path(os.devnull)
    runs_single_servers: bool = True

    def labelled(self, labels: Mapping[str, str]) -> MemoryProvider:
        del labels
        return self

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        return MemoryRuntime(
            project=f"nexusdev-{instance}",
            instance=instance,
            owner_path=str(owner),
            state_path=state_path,
            stack=stack,
            engine=self.engine,
        )

    def inventory(self, *, caches: bool = False) -> Inventory:
        del caches
        containers = [_owned(each) for each in self.engine.containers.values() if each.instance]
        networks = [
            OwnedResource(kind="network", name=each.name, instance=each.instance, owner_path=each.owner_path)
            for each in self.engine.networks.values()
            if each.instance
        ]
        volumes = [
            OwnedResource(
                kind="volume",
                name=name,
                instance=store.instance,
                owner_path=store.owner_path,
                state_path=store.state_path,
            )
            for name, store in self.engine.volumes.items()
            if store.instance
        ]
        alive = [each for each in self.engine.containers.values() if each.state in ALIVE]
        images = {each.image for each in self.engine.containers.values()}
        return Inventory(
            instances=by_instance((*containers, *networks, *volumes)),
            port_holders={port: f"{each.name} (image {each.image})" for each in alive for port in each.ports},
            images_in_use=frozenset(found.id for image in images if (found := self.store.find(image))),
        )

    def volume_sizes(self) -> Mapping[str, int]:
        return self.sizes

    def facts(self) -> PlatformFacts:
        facts = self.engine_facts
        return PlatformFacts(
            version=f"{facts.version} (API {facts.api_version})", rootless=facts.rootless, identity=facts.identity
        )

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        return checks(self.engine_facts, building=building)

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        taken = [*self._subnets().values(), *(f"{net}.0/24" for net in others)]
        return choose_net(slot, taken, self.routes, pool=pool)

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        return check(placement, f"nexusdev-{instance}", self._subnets().items(), self.routes, pool=pool)

    def _subnets(self) -> dict[str, str]:
        return {each.name: each.subnet for each in self.engine.networks.values()}

    def require_reach(self, root: Path) -> None:
        del root
        require_same_users(self.engine_facts)

    def require_clock(self) -> None:
        require_clock(time.time() + self.engine.clock_skew, time.time())

    def preflight(self, stack: Stack) -> None:
        del stack
        require_same_users(self.engine_facts)
        self.require_clock()
        require_room(Path(self.engine_facts.data_root))

    def image_store(self) -> ImageStore:
        return self.store

    def own_images(self) -> tuple[str, ...]:
        """Return nothing: there is no engine."""
        return ()

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Do nothing: there is nothing to make."""

    def deliver(self, *references: str) -> None:
        self.delivered += references


def _owned(container: FakeContainer) -> OwnedResource:
    return OwnedResource(
        kind="container",
        name=container.name,
        instance=container.instance,
        owner_path=container.owner_path,
        state_path=container.state_path,
        running=container.state is State.RUNNING,
        alive=container.state in ALIVE,
        used=container.finished_at,
        ports=container.ports,
        one_off=container.role == ONE_OFF_ROLE,
    )
