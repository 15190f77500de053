"""What exists in a namespace, as frozen values. ``snapshot_parser`` makes them from the objects of the API. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from nexusdev.runtimes.kubernetes.pod_services import ContainerServices

# Why a container ended that never ran.
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
_TRIES = 2


class Ended(Struct, frozen=True, kw_only=True):
    """How a container ended. Times are seconds since the epoch; 0.0 if unknown."""

    code: int
    reason: str = ""
    message: str = ""
    started: float = 0.0
    at: float = 0.0
    id: str = ""


class PodContainer(Struct, frozen=True, kw_only=True):
    """A container of a pod.

    Attributes:
        id: Its id; '' before its first start.
        started: When it started, if it runs; else 0.0.
        waiting: Why it waits: ``CrashLoopBackOff``, ``ContainerCreating``; '' if it does not wait.
        message: What the kubelet says beyond that.
        ended: How it ended, if it has ended.
        previous: How its previous run ended.
        restarts: How often it was restarted.
    """

    name: str
    id: str = ""
    started: float = 0.0
    waiting: str = ""
    message: str = ""
    ended: Ended | None = None
    previous: Ended | None = None
    restarts: int = 0

    @property
    def runs(self) -> bool:
        return self.started > 0.0

    @property
    def last(self) -> Ended | None:
        """How it ended the last time, if it does not run."""
        return None if self.runs else self.ended or self.previous

    @property
    def is_starting(self) -> bool:
        """Whether it has failed to start and is tried again. Nodes with a heavy load fail once; from the second time on it is a failure."""
        return bool(self.last and self.last.reason in _NOT_STARTED and self.restarts < _TRIES)


class Pod(Struct, frozen=True, kw_only=True):
    """A pod.

    Attributes:
        group: The group of its workload; '' for a foreign pod.
        template: The hash of what it was made from.
        created: When, in seconds since the epoch.
        terminating: Whether its end was requested.
        held: Whether no controller has it any more.
        killed: Whether it is held because its server was killed.
        phase: Its phase.
        problem: Why it cannot be scheduled, or why it failed; '' for nothing.
        paused: Container → the id of the container that was paused.
        claims: The claims that it mounts.
        one_off: Whether it exists for one command.
        owner: The project folder; '' if unknown.
        ours: Whether it has the labels of this instance.
    """

    name: str
    uid: str = ""
    group: str = ""
    template: str = ""
    created: float = 0.0
    terminating: bool = False
    held: bool = False
    killed: bool = False
    phase: str = ""
    problem: str = ""
    containers: Mapping[str, PodContainer] = field(default_factory=dict)
    paused: Mapping[str, str] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    one_off: bool = False
    partitioned: bool = False
    ours: bool = True

    @property
    def is_over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


class Workload(Struct, frozen=True, kw_only=True):
    """A StatefulSet or Deployment of the instance.

    Attributes:
        replicas: How many pods it shall have now; 0 if it is stopped.
        containers: Its services.
        template: The hash of what its pods are made from.
        problem: Why it can make no pods; '' for nothing.
    """

    name: str
    kind: str
    replicas: int
    containers: tuple[ContainerServices, ...]
    template: str
    owner: str = ""
    state_path: str = ""
    problem: str = ""

    @property
    def ref(self) -> str:
        """The name that kubectl takes."""
        return f"{self.kind.lower()}/{self.name}"

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(name for each in self.containers for name in each.members)

    @property
    def size(self) -> int:
        """How many pods it has when everything runs."""
        return max((len(each.members) for each in self.containers), default=1)

    @property
    def is_store(self) -> bool:
        """Whether the servers of its component need it until they have stopped."""
        return bool(self.containers) and self.containers[0].role == "store"

    @property
    def component(self) -> str:
        return self.containers[0].component if self.containers else ""


class VolumeClaim(Struct, frozen=True, kw_only=True):
    """A claimed volume of the instance. ``volume``: its short name."""

    name: str
    volume: str
    owner: str = ""
    state_path: str = ""
    terminating: bool = False


class NamespaceState(Struct, frozen=True, kw_only=True):
    """The namespace.

    Attributes:
        project: The instance that it belongs to; '' if nexusdev did not make it.
        terminating: Whether it is being deleted.
        checksum: The hash with which it was applied.
    """

    project: str = ""
    owner: str = ""
    terminating: bool = False
    checksum: str = ""


class ClusterSnapshot(Struct, frozen=True, kw_only=True):
    """A namespace and what this instance has in it.

    Attributes:
        namespace: The namespace; None if it does not exist.
        workloads: By name.
        pods: All pods of the namespace, also foreign ones.
        claims: Short name of a volume → its claim.
        checksums: ``Kind/name`` of every object of the instance → the hash with which it was applied.
        groups: ``Kind/name`` → the group that it belongs to; '' for none.
        owners: The project folders that made any of it.
        foreign: ``Kind/name`` of the objects of others, without pods and what the cluster itself puts into every namespace.
    """

    namespace: NamespaceState | None = None
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    claims: Mapping[str, VolumeClaim] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def pods_of(self, group: str) -> tuple[Pod, ...]:
        """Return the pods of a group, the newest first, those that end last."""
        found = [each for each in self.pods if each.ours and each.group == group and not each.one_off]
        return tuple(sorted(found, key=lambda each: (each.terminating, each.held, -each.created)))

    def pod_of(self, workload: Workload, ordinal: int) -> Pod | None:
        """Return the pod of a member; None if there is none."""
        pods = self.pods_of(workload.name)
        if workload.kind == "StatefulSet":
            pods = tuple(each for each in pods if each.name == f"{workload.name}-{ordinal}")
        return pods[0] if pods else None

    def users_of(self, claim: str) -> tuple[str, ...]:
        """Return the names of foreign pods that mount a claim."""
        return tuple(each.name for each in self.pods if not each.ours and not each.is_over and claim in each.claims)
