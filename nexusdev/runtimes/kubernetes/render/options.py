"""What is rendered, and the values that differ between the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

ProfileName = Literal["kind", "cluster"]
#: How the host reaches the gateway for development. ``forward``: by the API server alone, so that no address outside may connect to it.
Exposure = Literal["node-port", "load-balancer", "forward"]
PROFILES: tuple[ProfileName, ...] = ("kind", "cluster")
#: The namespace of production.
NAMESPACE = "nexus-architect"


class ClusterValues(Struct, frozen=True, kw_only=True):
    """The values of one profile.

    Attributes:
        storage: The size of a volume, as a quantity.
        cpu_request: The CPU request of a container, as a quantity. There is no CPU limit: it would slow down failovers.
        memory_share: A container requests its memory limit divided by this.
        spread: ``whenUnsatisfiable`` of the spread over nodes.
    """

    storage: str
    cpu_request: str
    memory_share: int
    spread: Literal["ScheduleAnyway", "DoNotSchedule"]


#: kind: one node on a developer's machine, which is smaller than the sum of all limits. cluster: a node that has the memory that it promised.
VALUES: Mapping[ProfileName, ClusterValues] = {
    "kind": ClusterValues(storage="1Gi", cpu_request="10m", memory_share=8, spread="ScheduleAnyway"),
    "cluster": ClusterValues(storage="10Gi", cpu_request="100m", memory_share=1, spread="DoNotSchedule"),
}


class RenderOptions(Struct, frozen=True, kw_only=True):
    """What is rendered.

    Attributes:
        configs: Config → its content.
        dev_access: Whether profile cluster also gets the gateway for development. Profile kind always has it.
        exposure: How the host reaches that gateway in profile cluster; node ports in kind.
        sizes: The profile whose requests and spread are rendered; None for those of ``profile``.
        storage_class: The class of claims; '' for the cluster's default.
        storage_size: The size of claims; '' for that of the profile.
        pull_secret: The Secret with which nodes log in to a registry; '' for none.
    """

    profile: ProfileName
    namespace: str = NAMESPACE
    configs: Mapping[str, str] = field(default_factory=dict)
    dev_access: bool = False
    exposure: Exposure = "node-port"
    sizes: ProfileName | None = None
    storage_class: str = ""
    storage_size: str = ""
    pull_secret: str = ""

    @property
    def values(self) -> ClusterValues:
        found = VALUES[self.sizes or self.profile]
        return replace(found, storage=self.storage_size) if self.storage_size else found

    @property
    def is_forwarded(self) -> bool:
        return self.profile == "cluster" and self.exposure == "forward"

    @property
    def has_dev_gateway(self) -> bool:
        return self.profile == "kind" or self.dev_access
