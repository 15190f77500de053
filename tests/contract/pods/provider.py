"""The provider over a cluster in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nexusdev.check import Check, good
from nexusdev.errors import ImageUnavailable, PreflightFailed
from nexusdev.interfaces import PlatformFacts, Runtime
from nexusdev.inventory import InstanceInventory, Inventory
from nexusdev.runtimes.image_store import ImageStore
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.stack.model import Stack
from tests.contract.pods.cluster import Cluster, Namespace
from tests.contract.pods.planner import observe
from tests.contract.pods.runtime import PodsRuntime


@dataclass(kw_only=True)
class PodsProvider:
    """provider.RuntimeProvider over one cluster. Its images come from the store of another runtime, as those of kind do."""

    cluster: Cluster
    store: MemoryImages = field(default_factory=MemoryImages)

    runs_single_servers: bool = False

    def labelled(self, labels: Mapping[str, str]) -> PodsProvider:
        del labels
        return self

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        return PodsRuntime(
            cluster=self.cluster, instance=instance, owner=str(owner), state_path=state_path, stack=stack
        )

    def inventory(self, *, caches: bool = False) -> Inventory:
        del caches
        found = {name: _inventory(name, each) for name, each in self.cluster.namespaces.items()}
        return Inventory(
            instances={name: each for name, each in found.items() if each.objects},
            port_holders=dict(self.cluster.node_ports),
        )

    def volume_sizes(self) -> Mapping[str, int]:
        namespaces = self.cluster.namespaces.values()
        return {f"claim/{name}": len(claim.archive) for each in namespaces for name, claim in each.claims.items()}

    def facts(self) -> PlatformFacts:
        return PlatformFacts(version="v1.34.0 (pods in memory)")

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        del building
        return iter([good("cluster", "v1.34.0, 1 node"), good("storage", "the default class binds at once")])

    def preflight(self, stack: Stack) -> None:
        wanted = [port.host for each in stack.services.values() for port in each.ports]
        if taken := [port for port in wanted if port in self.cluster.node_ports]:
            raise PreflightFailed(f"the cluster cannot publish port {taken[0]}")

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        del slot, others, pool
        return ""

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        del placement, pool
        return good("namespace", instance)

    def require_reach(self, root: Path) -> None:
        """Nothing to do: the cluster gets secrets and files by its own API."""

    def require_clock(self) -> None:
        """Nothing to do: the cluster is on this machine."""

    def image_store(self) -> ImageStore:
        return self.store

    def own_images(self) -> tuple[str, ...]:
        """Return nothing: the cluster is there."""
        return ()

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Do nothing: the cluster is there."""

    def deliver(self, *references: str) -> None:
        for reference in references:
            if self.store.find(reference) is None:
                raise ImageUnavailable(f"{reference} is not in the store")
            self.cluster.missing.discard(reference)


def _inventory(name: str, namespace: Namespace) -> InstanceInventory:
    seen = observe(namespace)
    ports = {
        port.host for each in namespace.workloads.values() for one, _ in each.template.values() for port in one.ports
    }
    return InstanceInventory(
        name=name,
        owners=tuple(sorted(seen.owners)),
        state_paths=(seen.state_path,) if seen.state_path else (),
        services=seen.objects,
        running=sum(each.runs for each in seen.services.values()),
        alive=any(each.runs for each in seen.services.values()),
        volumes=tuple(seen.volumes.values()),
        ports=frozenset(ports),
        held_ports=frozenset(ports),
    )
