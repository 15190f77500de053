"""The runtime of one instance in its own cluster of kind: that of Kubernetes, and the life of the cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.errors import PreflightFailed
from nexusdev.plan import Down, Problem
from nexusdev.runtimes.docker.labels import OWNER_PATH
from nexusdev.runtimes.kind import record, volumes
from nexusdev.runtimes.kind.steps import ClusterAction, ClusterStep, with_cluster
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.observation import KubernetesObservation
from nexusdev.runtimes.kubernetes.plan.steps import KubernetesAction, KubernetesStep, kubernetes_step
from nexusdev.runtimes.kubernetes.runtime import KubernetesRuntime
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexusdev.faults import FaultInjector
    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.runtimes.kind.cluster import KindCluster
    from nexusdev.stack.model import Stack

# Seconds after a start of the node in which its API server may not answer; 10 to 30 as a rule.
_STARTING = 180.0


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
        access = ClusterAccess(connect=cluster.connect, holds_ports=True, exists=lambda: cluster.phase() == "running")
        super().__init__(instance, owner_path=owner_path, state_path=state_path, stack=stack, cluster=access)
        self._node = cluster
        self._create = create

    def observe(self) -> KubernetesObservation:
        """Observe. A stopped node of which nothing is known is not started for a question: that is a problem of the observation."""
        seen = super().observe()
        if self._node.phase() == "stopped" and self._kept() is None:
            return replace(seen, problems=(*seen.problems, _unknown(self._node.name)))
        return seen

    def _look(self) -> ClusterSnapshot:
        match self._node.phase():
            case "absent":
                return ClusterSnapshot()
            case "stopped":
                return self._owned(self._asleep())
        try:
            return self._owned(self._look_and_keep())
        except PreflightFailed as error:
            # Another process starts the node, or it was restarted: its API server does not answer yet.
            if error.code == "CLUSTER_UNREACHABLE" and self._is_young() and self._kept():
                return self._owned(self._asleep())
            raise

    def _is_young(self) -> bool:
        return time.time() - self._node.state().started < _STARTING

    def _owned(self, seen: ClusterSnapshot) -> ClusterSnapshot:
        """Return the snapshot with the owner that the node has by its label, whatever is in it."""
        owner = self._node.state().labels.get(OWNER_PATH, "")
        return replace(seen, owners=seen.owners | {owner}) if owner else seen

    def _asleep(self) -> ClusterSnapshot:
        """Return what exists while nothing runs; nothing without a record."""
        kept = self._kept()
        return _asleep(kept) if kept else ClusterSnapshot()

    def _kept(self) -> ClusterSnapshot | None:
        return record.read(self._node.folder)

    def _look_and_keep(self) -> ClusterSnapshot:
        seen = super()._look()
        record.write(self._node.folder, seen)
        return seen

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        phase = self._node.phase()
        if isinstance(intent, Down) and not intent.volumes and phase == "stopped" and self._kept() is None:
            raise PreflightFailed(
                f"the cluster {self._node.name} is stopped, and nothing is recorded of what it has",
                why="it was stopped while a command changed the instance, or the state folder is another one",
                hint="nexusdev start   start it\nnexusdev down    then repeat this",
                code="NODE_STOPPED",
            )
        plan = super().plan(intent, observation)
        return with_cluster(plan, intent, phase, self._node.name, rest=phase == "absent" and self._node.leaves())

    def apply(self, step: Step) -> None:
        """Execute one step. Raises as that of Kubernetes.

        What was seen before a step is not what exists after it: it is forgotten, and the node is looked at once more before it stops.
        """
        if not isinstance(step, ClusterStep):
            record.forget(self._node.folder)
            self._apply_inside(kubernetes_step(step))
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

    def _apply_inside(self, step: KubernetesStep) -> None:
        """Execute one step in the cluster. Data is in folders of the node."""
        if step.action is KubernetesAction.CREATE_VOLUME:
            self._make_volumes()
        super().apply(step)
        if step.action is KubernetesAction.DELETE_VOLUME:
            for claim in step.deletes:
                volumes.remove(self._node.node, self._kubectl, claim.rpartition("/")[2], self._names.namespace)

    @property
    def faults(self) -> FaultInjector:
        from nexusdev.runtimes.kubernetes.faults import KubernetesFaults

        return KubernetesFaults(self._kubectl, self._names, self._look, kill=self._kill)

    def _kill(self, container: str) -> None:
        """Kill process 1 of a container, which ignores the signals of its own container, from the node."""
        self._node.node.run(
            "ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container.rpartition("/")[2]
        )

    def _make_volumes(self) -> None:
        """Make the volumes of the whole stack, once."""
        stack = self._names.stack
        if stack is None:
            return
        node, namespace = self._node.node, self._names.namespace
        self._memo.get("volumes", lambda: volumes.make(node, self._kubectl, volumes.claims_of(stack), namespace))


def _unknown(cluster: str) -> Problem:
    return Problem(
        evidence=f"the cluster {cluster} is stopped, and nothing is recorded of what it has", fix="nexusdev start"
    )


def _asleep(seen: ClusterSnapshot) -> ClusterSnapshot:
    """Return what exists while nothing runs."""
    workloads = {name: replace(each, replicas=0) for name, each in seen.workloads.items()}
    return replace(seen, workloads=workloads, pods=())
