"""The parts that all manifests have: metadata, recommended labels, references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.options import NAMESPACE, RenderOptions
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.stack.model import Stack

Manifest: TypeAlias = dict[str, Any]

CLUSTER_DOMAIN = "svc.cluster.local"
#: How the compose files end whole names: those of production, whatever namespace is rendered.
PRODUCTION_SUFFIX = f".{NAMESPACE}.{CLUSTER_DOMAIN}"

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
#: The label of a pod in another namespace that may connect to the gateway.
CLIENT = "nexus.dev/client"
#: The label of a pod that a StatefulSet sets.
POD = "statefulset.kubernetes.io/pod-name"


class RenderContext(Struct, frozen=True, kw_only=True):
    """What every part of the renderer needs."""

    stack: Stack
    options: RenderOptions
    groups: tuple[PodGroup, ...]

    @property
    def common(self) -> Mapping[str, str]:
        """The labels of every object."""
        return {
            INSTANCE: self.stack.project,
            "app.kubernetes.io/part-of": "nexus",
            "app.kubernetes.io/managed-by": "nexusdev",
        }

    def labels(self, group: PodGroup) -> dict[str, str]:
        """The recommended labels of the objects of a group."""
        return {NAME: group.name, "app.kubernetes.io/component": group.component, **self.common}

    def selector(self, group: PodGroup) -> dict[str, str]:
        """The labels by which the pods of a group are selected. They never change: a selector is immutable."""
        return {NAME: group.name, INSTANCE: self.stack.project}

    def metadata(self, name: str, group: PodGroup) -> Manifest:
        return {"name": name, "namespace": self.options.namespace, "labels": self.labels(group)}


def quantity(size: int) -> str:
    """Return a number of bytes as a quantity: ``64Mi``, ``1Gi``, or plain bytes."""
    for unit, suffix in ((1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)
