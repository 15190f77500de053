"""The bench of the runtime with pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nexusdev.interfaces import Completed
from nexusdev.runtimes.image_store import StoredImage
from tests.contract.bench import Bench, small_stack
from tests.contract.pods.cluster import Claim, Cluster, Namespace
from tests.contract.pods.provider import PodsProvider


@dataclass(kw_only=True)
class PodsBench(Bench):
    runs_commands: ClassVar[bool] = False
    cluster: Cluster

    @property
    def namespace(self) -> Namespace:
        return self.cluster.namespace(self.instance)

    def fail(self, service: str) -> None:
        self.cluster.crash(self.namespace, service)

    def lose(self, service: str) -> None:
        workload = self.namespace.workload_of(service)
        assert workload is not None
        self.cluster.end(self.namespace, workload)
        del self.namespace.workloads[workload.name]

    def lose_volume(self, volume: str) -> None:
        del self.namespace.claims[volume]

    def take_port(self, port: int) -> str:
        self.cluster.node_ports[port] = "service web of namespace other"
        return self.cluster.node_ports[port]

    def mount_elsewhere(self, volume: str) -> None:
        self.namespace.claims[volume].foreign_users.append("backup-x2k4d")

    def add_foreign_volume(self, volume: str) -> None:
        self.namespace.claims[volume] = Claim(owner="", foreign=True)

    def release(self) -> None:
        self.cluster.node_ports.clear()
        self.namespace.claims = {name: each for name, each in self.namespace.claims.items() if not each.foreign}
        for each in self.namespace.claims.values():
            each.foreign_users.clear()

    def one_off_image(self, completed: Completed) -> str:
        self.cluster.answers["tiny:1"] = completed
        return "tiny:1"

    def say(self, service: str, text: str) -> None:
        workload = self.namespace.workload_of(service)
        assert workload is not None
        self.cluster.say(workload, service, text)

    def answers(self, service: str, completed: Completed) -> None:
        self.cluster.answers[service] = completed

    def lacks(self, image: str) -> None:
        self.cluster.missing.add(image)

    def hold(self, image: str) -> None:
        """It is in the store, and no node has it."""
        assert isinstance(self.provider, PodsProvider)
        self.provider.store.images["i"] = StoredImage(id="i", tags=(image,))
        self.cluster.missing.add(image)

    def file_in(self, service: str, path: str) -> bytes:
        """The object that is projected into the pod, if the service mounts it there."""
        container = self.namespace.running(service)
        assert container is not None
        [mount] = [each for each in container.service.files if each.target == path]
        return self.namespace.secrets[mount.name]


def pods_bench() -> PodsBench:
    name, cluster = "nxt-core-pods", Cluster()
    stack = small_stack(name, image="tiny:1", port=21001)
    return PodsBench(instance=name, stack=stack, cluster=cluster, provider=PodsProvider(cluster=cluster))
