"""Where an instance lives: a cluster, and one namespace of it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.render.options import NAMESPACE, ProfileName


class ClusterAccess(Struct, frozen=True, kw_only=True):
    """How a runtime reaches its cluster.

    Attributes:
        connect: Returns kubectl for the cluster. Called at the first request, once per runtime.
        namespace: The namespace of the instance, which nothing else uses.
        profile: What is rendered: ``kind`` has fixed node ports, ``cluster`` those that the cluster chooses.
        dev_access: Whether the gateway for development is rendered in profile cluster, too.
        adopts: Whether a namespace that nexusdev did not make may be used. It is never deleted.
        holds_ports: Whether the cluster itself has the host ports of the stack, whatever runs in it, as that of kind.
        exists: Returns whether there is a cluster. Without one nothing exists of the instance, and nothing is asked.
    """

    connect: Callable[[], Kubectl]
    namespace: str = NAMESPACE
    profile: ProfileName = "kind"
    dev_access: bool = False
    adopts: bool = False
    holds_ports: bool = False
    exists: Callable[[], bool] = lambda: True
