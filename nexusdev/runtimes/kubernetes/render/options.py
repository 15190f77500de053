"""What is rendered, and the values that differ between the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

ProfileName = Literal["kind", "cluster"]
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
    """

    profile: ProfileName
    namespace: str = NAMESPACE
    configs: Mapping[str, str] = field(default_factory=dict)
    dev_access: bool = False

    @property
    def values(self) -> ClusterValues:
        return VALUES[self.profile]

    @property
    def has_dev_gateway(self) -> bool:
        return self.profile == "kind" or self.dev_access
