"""The Kubernetes runtime of one instance, in one namespace of any cluster."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.errors import InvalidConfig
from nexusdev.interfaces import Address, Advice, Completed, LogLine, OneOff, ReadBack, ServiceExit, View
from nexusdev.runtimes.kubernetes import addresses
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.observation import KubernetesObservation, observation_of, snapshot_of
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.util.files import write_in_place
from nexusdev.util.memo import Memo

if TYPE_CHECKING:
    from threading import Event

    from nexusdev.faults import FaultInjector
    from nexusdev.interfaces import VolumeArchive
    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.runtimes.kubernetes.api_reader import ApiReader
    from nexusdev.runtimes.kubernetes.desired import Desired
    from nexusdev.runtimes.kubernetes.publish import Publisher
    from nexusdev.stack.model import Stack

#: Seconds: the dates of the API server are rounded, and its answer takes some time.
_CLOCK_ERROR = 1.5


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
    def _reader(self) -> ApiReader | None:
        from nexusdev.runtimes.kubernetes.api_reader import reader_of

        return self._memo.get("reader", lambda: reader_of(self._kubectl))

    @property
    def advice(self) -> Advice:
        from nexusdev.runtimes.kubernetes.advice import ADVICE

        return ADVICE

    @property
    def network(self) -> str:
        """Return '': no container of the host can join the network of pods."""
        return ""

    def volume_name(self, volume: str) -> str:
        from nexusdev.runtimes.kubernetes.volume_claims import claim_of_volume

        return f"{self._names.namespace}/{claim_of_volume(volume, self._names.stack)}"

    @property
    def faults(self) -> FaultInjector:
        from nexusdev.runtimes.kubernetes.faults import KubernetesFaults

        return KubernetesFaults(self._kubectl, self._names, self._look)

    @property
    def volumes(self) -> VolumeArchive:
        from nexusdev.runtimes.kubernetes.volume_archive import KubernetesVolumes

        return KubernetesVolumes(self._kubectl, self._names, self._look, self._node_image)

    def _node_image(self, reference: str) -> str:
        """Return the name by which nodes get an image. Raises ImageUnavailable for one that is not where they get it from."""
        return self._cluster.pin(self._cluster.image(reference))

    def observe(self) -> KubernetesObservation:
        seen = observation_of(self._look(), namespace=self._names.namespace)
        stack = self._names.stack
        if not (stack and self._cluster.holds_ports and self._cluster.exists()):
            return seen
        published = frozenset(name for name, each in stack.services.items() if each.ports)
        return replace(seen, holding_ports=seen.holding_ports | published)

    def _look(self) -> ClusterSnapshot:
        from nexusdev.runtimes.kubernetes.observe import observe

        if not self._cluster.exists():
            return ClusterSnapshot()
        return observe(self._kubectl, self._names, self._reader)

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        from nexusdev.runtimes.kubernetes.plan.intents import plan_for

        seen = snapshot_of(observation or self.observe())
        return plan_for(intent, seen, self._names, self._desired, adopts=self._cluster.adopts)

    def _desired(self, stack: Stack, wanted: Collection[str]) -> Desired:
        from nexusdev.runtimes.kubernetes.desired import desired

        return desired(stack, wanted, self._names, self._cluster)

    def apply(self, step: Step) -> None:
        """Execute one step. Raises PortInUse, IdentityMismatch, ImageUnavailable, PreflightFailed."""
        from nexusdev.runtimes.kubernetes.apply_steps import KubernetesStepApplier
        from nexusdev.runtimes.kubernetes.plan.steps import kubernetes_step

        own = kubernetes_step(step)
        KubernetesStepApplier(self._kubectl, self._names, self._cluster).apply_step(own)

    def now(self) -> float:
        """Return the API server's time. How far it is ahead is measured once."""
        return time.time() + self._memo.get("ahead", self._measure_clock)

    def _measure_clock(self) -> float:
        """Return by how many seconds the clock of the API server is ahead; its answers have whole seconds."""
        if not self._cluster.exists():
            return 0.0
        told = self._kubectl.clock()
        ahead = told - time.time()
        return 0.0 if -_CLOCK_ERROR < ahead < _CLOCK_ERROR else ahead

    def watch_exits(self, stop: Event) -> Iterator[ServiceExit]:
        """Yield exits from the moment of the call on, not from the first ``next``."""
        from nexusdev.runtimes.kubernetes.exits import PodExits

        return iter(PodExits(self._kubectl, self._names, self._look(), stop))

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        stack = self._names.stack
        return addresses.addresses(stack, self._names.namespace, view) if stack else {}

    def ca_path(self, view: View) -> str:
        return addresses.ca_path(self._names.state_path, view)

    def client_folder(self, view: View) -> str:
        return addresses.client_folder(self._names.state_path, view)

    def publish_secret(self, name: str, value: str) -> None:
        """Apply the Secrets that contain it, and wait until every pod that mounts it sees it. Raises InvalidConfig for an unknown name."""
        stack = self._names.stack
        if stack is None or name not in stack.secrets:
            raise InvalidConfig(f"no such secret: {name}", why="the loaded compose files do not declare it")
        if publisher := self._publisher():
            publisher.secret(name, value.encode())

    def publish_file(self, name: str, data: bytes) -> None:
        """Write the file, and apply the ConfigMaps that contain it, as for secrets."""
        file = Path(self._names.state_path) / name
        if not file.exists() or file.read_bytes() != data:
            write_in_place(file, data, set_owner=lambda _: None)
        stack = self._names.stack
        config = next((each for each, path in stack.configs.items() if path == file), "") if stack else ""
        if config and (publisher := self._publisher()):
            publisher.config(config, data)

    def _publisher(self) -> Publisher | None:
        """Return what publishes to the pods; None where nothing can see it."""
        from nexusdev.runtimes.kubernetes.publish import Publisher

        stack = self._names.stack
        if stack is None or not self._cluster.exists():
            return None
        units = self._desired(stack, frozenset(stack.services)).units.values()
        return Publisher(self._kubectl, self._names, stack, units, self._look)

    def read_back(self, image: str) -> ReadBack | None:
        """Return None: a pod gets its secrets from the cluster, with the group that it asks for. There is nothing of this machine to try."""
        del image
        return None

    def logs(
        self, services: Sequence[str], *, tail: int | None = None, since: float | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Yield log lines. ``services``: empty for all. ``since``: seconds since the epoch."""
        from nexusdev.runtimes.kubernetes.logs import PodLogs

        found = PodLogs(self._kubectl, self._names, self._look, services, self._reader)
        return found.lines(tail=tail, since=since, follow=follow)

    def execute(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Run a command. Raises NotFound (not running), NotReadyInTime (``timeout`` seconds passed)."""
        from nexusdev.runtimes.kubernetes.exec import PodExec
        from nexusdev.runtimes.kubernetes.places import target_of

        target = target_of(service, self._names, self._look)
        command = PodExec(self._kubectl, self._names, service, target, argv, environment=environment)
        return command.collect(stdin, timeout)

    def attach(
        self,
        service: str,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a command with these streams. Raises NotFound (not running)."""
        from nexusdev.runtimes.kubernetes.exec import PodExec
        from nexusdev.runtimes.kubernetes.places import target_of

        target = target_of(service, self._names, self._look)
        return PodExec(self._kubectl, self._names, service, target, argv).attach(stdin, stdout, stderr, tty=tty)

    def run_one_off(
        self,
        one_off: OneOff,
        *,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        tty: bool,
    ) -> int:
        """Run a pod for one command. Raises NotFound (not up, no image), UsageError (mounts or a user that a pod cannot have)."""
        from nexusdev.runtimes.kubernetes.one_offs import run

        seen = self._look()
        one_off = replace(one_off, image=self._node_image(one_off.image))
        return run(self._kubectl, self._names, seen, one_off, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
