"""The runtime of one instance in its own cluster of kind: that of Kubernetes, and the life of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from nexusdev.runtimes.kind.steps import ClusterAction, ClusterStep, with_cluster
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.runtime import KubernetesRuntime
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.util.files import replace as replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.runtimes.kind.cluster import KindCluster
    from nexusdev.stack.model import Stack


class KindRuntime(KubernetesRuntime):
    """``interfaces.Runtime`` in a cluster that lives and ends with the instance.

    The API server ends with the node, so what was last seen is kept in the state folder: a stopped instance is described from it.
    """

    def __init__(
        self,
        instance: str,
        *,
        owner_path: str,
        state_path: str,
        stack: Stack | None,
        cluster: KindCluster,
        create: Callable[[], None],
    ) -> None:
        """Remember what to run and where; nothing is asked.

        Args:
            instance: The name of the instance.
            owner_path: Its project folder.
            state_path: Its state folder.
            stack: Its stack; without one the runtime cannot create anything.
            cluster: Its cluster.
            create: Creates or starts the cluster.
        """
        access = ClusterAccess(connect=cluster.connect, exists=lambda: cluster.phase() == "running")
        super().__init__(instance, owner_path=owner_path, state_path=state_path, stack=stack, cluster=access)
        self._node = cluster
        self._create = create

    @property
    def _seen(self) -> Path:
        return self._node.kubeconfig.parent / "snapshot.json"

    def _look(self) -> ClusterSnapshot:
        match self._node.phase():
            case "absent":
                return ClusterSnapshot()
            case "stopped":
                if kept := self._kept():
                    return _asleep(kept)
                self._node.start()  # nothing else tells which data it has
        return self._look_and_keep()

    def _kept(self) -> ClusterSnapshot | None:
        """Return what was seen last; None if there is no record, or one of another version."""
        try:
            return msgspec.json.decode(self._seen.read_bytes(), type=ClusterSnapshot)
        except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
            return None

    def _look_and_keep(self) -> ClusterSnapshot:
        seen = super()._look()
        if self._seen.parent.is_dir():
            replace_file(self._seen, msgspec.json.encode(seen).decode())
        return seen

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        plan = super().plan(intent, observation)
        return with_cluster(plan, intent, self._node.phase(), self._node.name)

    def apply(self, step: Step) -> None:
        """Execute one step. Raises as that of Kubernetes.

        What was seen before a step is not what exists after it: it is forgotten, and the node is looked at once more before it stops.
        """
        if not isinstance(step, ClusterStep):
            self._seen.unlink(missing_ok=True)
            super().apply(step)
            return
        match step.action:
            case ClusterAction.CREATE:
                self._create()
            case ClusterAction.START:
                self._node.start()
            case ClusterAction.STOP:
                if self._node.phase() == "running":
                    self._look_and_keep()
                self._node.stop()
            case ClusterAction.DELETE:
                self._node.delete()


def _asleep(seen: ClusterSnapshot) -> ClusterSnapshot:
    """Return what exists while nothing runs."""
    workloads = {name: replace(each, replicas=0) for name, each in seen.workloads.items()}
    return replace(seen, workloads=workloads, pods=())
