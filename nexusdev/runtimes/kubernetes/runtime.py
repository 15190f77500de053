"""The Kubernetes runtime of one instance, in one namespace of any cluster."""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.interfaces import Address, Advice, View
from nexusdev.runtimes.kubernetes import addresses
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.stack.model import Stack
from nexusdev.util.memo import Memo


class KubernetesRuntime:
    """``interfaces.Runtime`` by kubectl. Connects at the first call. Thread-safe."""

    def __init__(
        self,
        instance: str,
        *,
        owner_path: str,
        state_path: str = "",
        stack: Stack | None = None,
        cluster: ClusterAccess,
    ) -> None:
        """Remember what to run and where; nothing is asked.

        Args:
            instance: The name of the instance.
            owner_path: Its project folder.
            state_path: Its state folder.
            stack: Its stack; without one the runtime cannot create anything.
            cluster: The cluster and the namespace.
        """
        self._cluster = cluster
        self._names = InstanceNames(
            instance=instance,
            namespace=cluster.namespace,
            owner_path=owner_path,
            state_path=state_path,
            stack=stack,
        )
        self._memo = Memo()

    @property
    def _kubectl(self) -> Kubectl:
        return self._memo.get("kubectl", self._cluster.connect)

    @property
    def advice(self) -> Advice:
        from nexusdev.runtimes.kubernetes.advice import ADVICE

        return ADVICE

    @property
    def network(self) -> str:
        """Return '': no container of the host can join the network of pods."""
        return ""

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        stack = self._names.stack
        return addresses.addresses(stack, self._names.namespace, view) if stack else {}

    def ca_path(self, view: View) -> str:
        return addresses.ca_path(self._names.state_path, view)

    def client_folder(self, view: View) -> str:
        return addresses.client_folder(self._names.state_path, view)
