"""What the objects of an instance are called, and the labels and annotations by which a runtime finds them again."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.manifest import INSTANCE
from nexusdev.stack.model import Stack

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "nexusdev"
#: Label: the hash of an object as it was applied. A label, because lists without contents show labels alone.
CHECKSUM = "nexus.dev/checksum"
#: Annotation of the pods of a workload: the hash of what they are made from, with the files that they read once.
TEMPLATE = "nexus.dev/template"
#: Annotation of a workload: its services, in the form of ``services.encode``.
SERVICES = "nexus.dev/services"
#: Annotations: the project folder and the state folder of the instance.
OWNER_PATH = "nexus.dev/owner-path"
STATE_PATH = "nexus.dev/state-path"
#: Annotation of a claim: the short name of the volume.
VOLUME = "nexus.dev/volume"
#: Label of a pod that no controller has any more: it ended, keeps its log, and occupies its name. The value is its workload.
HELD = "nexus.dev/held"
#: Annotation of a held pod whose server was killed: nobody asked the server to end.
KILLED = "nexus.dev/killed"
#: Annotation of a pod: containers that are paused, as JSON container → its id.
PAUSED = "nexus.dev/paused"
#: Label of a pod that is partitioned, and of the policy that does it. The value is the pod.
PARTITIONED = "nexus.dev/partitioned"
#: Label of pods and objects that exist for one command.
ONE_OFF = "nexus.dev/one-off"
#: Annotation that is changed to make the kubelet look again.
TOUCHED = "nexus.dev/touched"

_PREFIX = "nexusdev-"


class InstanceNames(Struct, frozen=True, kw_only=True):
    """Which instance a runtime runs, and where.

    Attributes:
        instance: Its name.
        namespace: Its namespace.
        owner_path: Its project folder.
        state_path: Its state folder; '' if unknown.
        stack: Its stack; None if unknown.
    """

    instance: str
    namespace: str
    owner_path: str
    state_path: str = ""
    stack: Stack | None = None

    @property
    def project(self) -> str:
        """The value of the label ``app.kubernetes.io/instance``."""
        return self.stack.project if self.stack else project_of(self.instance)

    @property
    def selector(self) -> str:
        """What selects every object of the instance."""
        return f"{INSTANCE}={self.project},{MANAGED_BY}={MANAGER}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of objects that the renderer does not know."""
        return {INSTANCE: self.project, MANAGED_BY: MANAGER}

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of every object: who made it."""
        return {OWNER_PATH: self.owner_path, **({STATE_PATH: self.state_path} if self.state_path else {})}


def project_of(instance: str) -> str:
    """Return the Compose project of an instance, which is a label of its objects."""
    return f"{_PREFIX}{instance}"


def instance_of(project: str) -> str:
    """Return the instance of a Compose project."""
    return project.removeprefix(_PREFIX)
