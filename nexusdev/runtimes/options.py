"""The settings that a runtime itself understands, as ``registry.provider`` passes them on. Other runtimes ignore them."""

from __future__ import annotations

from typing import NamedTuple

#: How the servers are reached from this machine. ``forward``: by the API server alone, which needs no open port in the cluster.
FORWARD, NODE_PORT, LOAD_BALANCER = "forward", "node-port", "load-balancer"
REACHES = (FORWARD, NODE_PORT, LOAD_BALANCER)


class RuntimeOptions(NamedTuple):
    """The options of a runtime.

    Attributes:
        context: Name of the access to a cluster; '' for the one that the instance was made with.
        place: The part of the cluster that the instance has; '' for one of its own.
        storage_class: The class of data volumes; '' for the cluster's default.
        storage_size: The size of a data volume, such as ``2Gi``; '' for the runtime's default.
        reach: One of ``REACHES``.
        registry: Where nodes get images from, ``host[:port][/path]``; '' if they have them.
        pull_secret: The secret with which nodes log in to the registry; '' for none.
        folder: The state folder of the instance of this command; '' if there is none.
    """

    context: str = ""
    place: str = ""
    storage_class: str = ""
    storage_size: str = ""
    reach: str = FORWARD
    registry: str = ""
    pull_secret: str = ""
    folder: str = ""
