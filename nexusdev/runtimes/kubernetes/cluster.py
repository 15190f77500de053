"""Where an instance lives: a cluster, and one namespace of it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.render.options import NAMESPACE, Exposure, ProfileName


class ClusterAccess(Struct, frozen=True, kw_only=True):
    """How a runtime reaches its cluster.

    Attributes:
        connect: Returns kubectl for the cluster. Called at the first request, once per runtime.
        namespace: The namespace of the instance, which nothing else uses.
        profile: What is rendered: ``kind`` has fixed node ports, ``cluster`` those that the cluster chooses.
        dev_access: Whether the gateway for development is rendered in profile cluster, too.
        adopts: Whether a namespace that nexusdev did not make may be used. It is never deleted.
        holds_ports: Whether the cluster itself has the host ports of the stack, whatever runs in it, as that of kind.
        exposure: How the host reaches the gateway for development in profile cluster.
        sizes: The profile whose requests are rendered; None for those of ``profile``.
        storage_class: The class of claims; '' for the cluster's default.
        storage_size: The size of claims; '' for that of the profile.
        pull_secret: The Secret with which nodes log in to a registry; '' for none.
        image: Returns the name by which nodes know an image of this machine.
        pin: Returns that name with the digest. Called when pods are made: an image may be pushed while others start.
        exists: Returns whether there is a cluster. Without one nothing exists of the instance, and nothing is asked.
    """

    connect: Callable[[], Kubectl]
    namespace: str = NAMESPACE
    profile: ProfileName = "kind"
    dev_access: bool = False
    adopts: bool = False
    holds_ports: bool = False
    exposure: Exposure = "node-port"
    sizes: ProfileName | None = None
    storage_class: str = ""
    storage_size: str = ""
    pull_secret: str = ""
    image: Callable[[str], str] = str
    pin: Callable[[str], str] = str
    exists: Callable[[], bool] = lambda: True
