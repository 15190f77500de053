"""Makes the cluster of one instance with everything that the stack needs in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexusdev.errors import IdentityMismatch, NexusError
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.labels import INSTANCE, OWNER_PATH, ROLE, STATE_PATH
from nexusdev.runtimes.image_store import BuildMounts, Say
from nexusdev.runtimes.kind import calico, settling
from nexusdev.runtimes.kind.cluster import KindCluster
from nexusdev.runtimes.kind.commands import Subprocesses
from nexusdev.runtimes.kind.config import configuration
from nexusdev.runtimes.kind.kind_cli import KindCli
from nexusdev.runtimes.kind.names import FOLDER, NODE_ROLE, cluster_name, labelled_image, node_name
from nexusdev.runtimes.kind.node import Node
from nexusdev.runtimes.kind.tools import Tools, file_of
from nexusdev.runtimes.kind.versions import ProgramVersion, parse
from nexusdev.util.memo import Memo

if TYPE_CHECKING:
    from nexusdev.runtimes.docker.connection import Engine
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.stack.model import Stack


class ClusterBuilder:
    """The cluster of one instance, and how it is made. Connects at its first use. Thread-safe."""

    def __init__(
        self,
        instance: str,
        *,
        owner: str,
        state_path: str,
        engine: Callable[[], Engine],
        store: Callable[[], ImageStore],
        references: Mapping[str, str],
    ) -> None:
        """Remember what belongs together; nothing is asked.

        Args:
            instance: The instance.
            owner: Its project folder, a label of everything that is made.
            state_path: Its state folder, a label as well.
            engine: Connects to the engine.
            store: Its images.
            references: Name in the image lock → reference, of the runtime's own images; filled before a cluster is made.
        """
        self._instance = instance
        self._labels = {INSTANCE: instance, OWNER_PATH: owner, STATE_PATH: state_path, ROLE: NODE_ROLE}
        self._folder = Path(state_path) / FOLDER
        self._engine = engine
        self._store = store
        self._references = references
        self._memo = Memo()
        self._guard = threading.RLock()

    @property
    def cluster(self) -> KindCluster:
        return self._memo.get("cluster", self._make_cluster)

    def ensure(self, stack: Stack | None, say: Say = lambda _: None) -> None:
        """Create the cluster, or start it. One that runs is left alone. Without references of images none is created.

        Args:
            stack: The stack, with the host ports.
            say: Receives what takes long.

        Raises:
            PortInUse: Another program has a host port.
            PreflightFailed: The engine does not run a node.
        """
        with self._guard:
            match self.cluster.phase():
                case "absent" if self._references:
                    self._create(stack, say)
                case "stopped":
                    say(f"starting the cluster {self.cluster.name}")
                    self.cluster.start()
                    self._settle(say)
                case "running":
                    self._settle(say)

    def _settle(self, say: Say) -> None:
        """Wait for the pods of a node that was started a short time ago."""
        started = self.cluster.state().started
        if started and time.time() - started < settling.RECENT:
            settling.settle(self.cluster.connect(), started, say)

    def deliver(self, references: Collection[str], say: Say = lambda _: None) -> None:
        """Copy images into the node, if there is one: those that it does not have, in one stream."""
        with self._guard:
            if self.cluster.phase() == "running":
                self.cluster.deliver(self._store(), references, say)

    def _create(self, stack: Stack | None, say: Say) -> None:
        from nexusdev.runtimes.kubernetes.render.dev_gateway import kind_cluster

        if stack is None or not self._references:
            raise NexusError("a cluster can only be made for a stack")
        say(f"creating the cluster {self.cluster.name}")
        policies = self._references["calico"]
        # Without its network policies it must not be taken for a whole one.
        with self.cluster.made() as mark:
            self._make_network()
            self.cluster.create(configuration(kind_cluster(stack)), self._labelled_node_image(), mark)
            self.cluster.deliver(self._store(), [policies])
            calico.install(self.cluster.connect(), policies, file_of(self._store(), policies, calico.CRDS))

    def _make_cluster(self) -> KindCluster:
        engine = self._engine()
        commands, environment = Subprocesses(), {"DOCKER_HOST": engine.endpoint.url}
        tools = Tools(commands=commands, store=self._store, folder=self._folder.parents[2] / "programs")
        name = cluster_name(self._instance)

        def kind() -> KindCli:
            program = tools.kind(self._references.get("kind-cli", "nexusdev/kind-cli:local"))
            return KindCli(commands=commands, program=str(program.path), network=name, engine=environment)

        def kubectl() -> str:
            image = self._references.get("kind-node") or self._node_image()
            return str(tools.kubectl(image, parse(f"v{_tag(image)}") or ProgramVersion(1, 34)).path)

        return KindCluster(
            name,
            instance=self._instance,
            folder=self._folder,
            kind=lambda: self._memo.get("kind", kind),
            node=Node(name=node_name(self._instance), engine=engine, commands=commands, environment=environment),
            kubectl=lambda: self._memo.get("kubectl", kubectl),
            rest=lambda: bool(self._networks() or self._images()),
            removed=self._remove_rest,
        )

    def _node_image(self) -> str:
        """Return the image of the existing node, as it was before it got labels."""
        return self.cluster.node.state().image.removesuffix(f"-{self._instance}")

    def _labelled_node_image(self) -> str:
        """Return the node image with the labels of the instance. Committing it makes no data."""
        reference = self._references["kind-node"]
        name = labelled_image(reference, self._instance)
        container = self._store().create_build_container(
            reference, name=f"nexusdev-build-{node_name(self._instance)}", mounts=BuildMounts()
        )
        try:
            container.commit(name, ["CMD []"], self._labels)
        finally:
            container.close()
        return name

    def _make_network(self) -> None:
        """Create the node's network. kind would make one for all clusters, without a label."""
        engine = self._engine()
        with translate_engine_errors(engine.endpoint):
            existing = [each for each in engine.http.networks() if each["Name"] == cluster_name(self._instance)]
            if any(not _is_ours(each, self._instance) for each in existing):
                raise IdentityMismatch(
                    f"a network {cluster_name(self._instance)} exists that was not made by this instance",
                    hint=f"docker network rm {cluster_name(self._instance)}   if nobody needs it",
                    code="FOREIGN_NETWORK",
                )
            if not existing:
                engine.api.create_network(cluster_name(self._instance), driver="bridge", labels=self._labels)

    def _remove_rest(self) -> None:
        """Remove what belongs to the cluster besides its container: the network and the labelled images."""
        engine, store = self._engine(), self._store()
        with translate_engine_errors(engine.endpoint):
            for identifier in self._networks():
                engine.api.remove_network(identifier)
        for tag in self._images():
            store.untag(tag)

    def _networks(self) -> tuple[str, ...]:
        """Return the ids of its networks."""
        engine = self._engine()
        with translate_engine_errors(engine.endpoint):
            return tuple(
                each["Id"]
                for each in engine.http.networks()
                if each["Name"] == cluster_name(self._instance) and _is_ours(each, self._instance)
            )

    def _images(self) -> tuple[str, ...]:
        """Return the tags of its labelled node images."""
        return tuple(
            tag
            for image in self._store().list()
            for tag in image.tags
            if image.labels.get(INSTANCE) == self._instance and tag.endswith(f"-{self._instance}")
        )


def _is_ours(network: Mapping[str, Any], instance: str) -> bool:
    return (network.get("Labels") or {}).get(INSTANCE) == instance


def _tag(reference: str) -> str:
    return reference.rpartition(":")[2]
