"""The cluster of one instance: created, started, stopped and removed as a whole."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nexusdev.errors import IdentityMismatch, NexusError, NotReadyInTime
from nexusdev.runtimes.docker.labels import INSTANCE
from nexusdev.runtimes.image_store import ImageStore, Say
from nexusdev.runtimes.kind.creation import is_unfinished, unfinished
from nexusdev.runtimes.kind.kind_cli import KindCli
from nexusdev.runtimes.kind.node import Node, NodePhase, NodeState, full_name
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.util.files import make_folder
from nexusdev.util.humanize import pluralize

_READY = 180.0  # seconds; 10 on a quiet machine
_PAUSE = 0.5
# Seconds without a refusal. After a start the API server of before may answer once, and end when kubelet makes its pods anew.
_STEADY = 5.0


class KindCluster:
    """One cluster of one node. Thread-safe."""

    def __init__(
        self,
        name: str,
        *,
        instance: str,
        folder: Path,
        kind: Callable[[], KindCli],
        node: Node,
        kubectl: Callable[[], str],
        rest: Callable[[], bool] = lambda: False,
        removed: Callable[[], None] = lambda: None,
        steady: float = _STEADY,
    ) -> None:
        """Remember what belongs together; nothing is started.

        Args:
            name: The cluster, and the beginning of its container's name.
            instance: The instance that it belongs to.
            folder: Where its kubeconfig is kept.
            kind: Finds the program.
            node: Its container.
            kubectl: Finds the program that speaks with it.
            rest: Returns whether anything that belongs to it exists besides its container.
            removed: Removes that.
            steady: Seconds for which the API server has to answer after a start.
        """
        self.name = name
        self.node = node
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._instance = instance
        self._kind = kind
        self._kubectl = kubectl
        self._rest = rest
        self._removed = removed
        self._steady = steady
        self._guard = threading.RLock()
        self._starting = False

    def phase(self) -> NodePhase:
        """Return whether it runs. While this object starts it, it counts as stopped: its API server refuses connections.

        Until it is whole it counts as absent, also if the process that made it was killed.

        Raises:
            IdentityMismatch: A cluster of this name belongs to something else.
        """
        state = self.state()
        if state.phase == "absent" or is_unfinished(self.folder):
            return "absent"
        return "stopped" if self._starting and state.phase == "running" else state.phase

    def state(self) -> NodeState:
        """Return the state of its container.

        Raises:
            IdentityMismatch: A container of this name belongs to something else.
        """
        state = self.node.state()
        if state.phase != "absent" and state.labels.get(INSTANCE) != self._instance:
            raise _foreign(self.name, self.node.name)
        return state

    def leaves(self) -> bool:
        """Return whether anything of it exists: its container, also half-made, its network or its images."""
        return self.state().phase != "absent" or self._rest()

    @contextmanager
    def made(self) -> Iterator[int]:
        """Make it in the block: until that ends without an error it counts as absent. After an error nothing is left of it.

        Yields:
            The file descriptor that programs shall keep while they make it.

        Raises:
            Locked: A program that an interrupted command has left still makes it.
        """
        with self._guard, unfinished(self.folder) as mark:
            try:
                if self.state().phase != "absent":
                    self._kind().delete(self.name, self.kubeconfig)
                yield mark
            except BaseException:
                self.delete()
                raise

    def create(self, configuration: bytes, image: str, mark: int) -> None:
        """Create it. Call only if it is absent, in the block of ``made``.

        Args:
            configuration: The configuration of kind.
            image: The node image, whose labels the container gets.
            mark: What ``made`` yields.
        """
        self._kind().create(self.name, configuration, image=image, kubeconfig=self.kubeconfig, keeps=(mark,))
        self.kubeconfig.chmod(0o600)

    def start(self) -> None:
        """Start a stopped one and wait until its API server answers. One that runs is no error.

        Raises:
            NotReadyInTime: The API server does not answer.
        """
        with self._guard:
            stopped = self.phase() != "running"
            self._starting = True
            try:
                if stopped:
                    self.node.start()
                self._wait_for_api()
            finally:
                self._starting = False

    def stop(self) -> None:
        """Stop it. One that is stopped or absent is no error."""
        if self.phase() == "running":
            self.node.stop()

    def delete(self) -> None:
        """Remove it with its volumes, its network and its kubeconfig. What is absent is no error."""
        with self._guard:
            if self.state().phase != "absent":
                self._kind().delete(self.name, self.kubeconfig)
            if self._rest():
                self._removed()
            shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self) -> Kubectl:
        """Return kubectl for it. A lost kubeconfig is written again."""
        with self._guard:
            if not self.kubeconfig.exists():
                make_folder(self.kubeconfig.parent)
                self._kind().export_kubeconfig(self.name, self.kubeconfig)
                self.kubeconfig.chmod(0o600)
        return Kubectl(context=f"kind-{self.name}", kubeconfig=self.kubeconfig, program=self._kubectl())

    def deliver(self, store: ImageStore, references: Iterable[str], say: Say = lambda _: None) -> tuple[str, ...]:
        """Copy images into the node. Those that it has are left out.

        Args:
            store: The store that has them.
            references: Their references.
            say: Receives which are copied.

        Returns:
            The references that were copied.
        """
        found = {reference: store.find(reference) for reference in references}
        with self._guard:
            present = self.node.image_ids()
            wanted = {name: image.id for name, image in found.items() if image and image.id not in present}
            if wanted:
                say(f"copying {pluralize(len(wanted), 'image')} into the cluster {self.name}")
                self.node.load(store.save(tuple(wanted)), {full_name(name): each for name, each in wanted.items()})
        return tuple(wanted)

    def _wait_for_api(self) -> None:
        deadline = time.monotonic() + _READY
        answers_since: float | None = None
        while answers_since is None or time.monotonic() - answers_since < self._steady:
            try:
                # An API server that says it is ready may still refuse everybody: it has not read its roles yet.
                self.connect().run("get", "nodes", timeout=10)
            except NexusError as error:
                answers_since = None
                if time.monotonic() > deadline:
                    raise NotReadyInTime(
                        f"the API server of the cluster {self.name} does not answer",
                        why=error.message,
                        hint=f"docker exec {self.node.name} journalctl -u kubelet -n 50",
                    ) from error
            else:
                answers_since = answers_since or time.monotonic()
            time.sleep(_PAUSE)


def _foreign(name: str, node: str) -> IdentityMismatch:
    return IdentityMismatch(
        f"the cluster {name} was not made by this instance",
        why=f"the container {node} has no label of it",
        hint=f"kind delete cluster --name {name}   if nobody needs it",
    )
