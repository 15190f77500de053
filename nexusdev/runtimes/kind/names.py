"""Names of a cluster and of what belongs to it. Pure."""

from __future__ import annotations

#: How kind calls the node of a cluster of one node, and our role of its container.
NODE_ROLE = "control-plane"
#: The folder of the cluster's files in the state folder of its instance.
FOLDER = "kind"


def cluster_name(instance: str) -> str:
    """Return the name of an instance's cluster, which is also that of its network."""
    return f"nexusdev-{instance}"


def node_name(instance: str) -> str:
    """Return the name of its container."""
    return f"{cluster_name(instance)}-{NODE_ROLE}"


def labelled_image(reference: str, instance: str) -> str:
    """Return the tag of the node image that has the labels of an instance.

    A container has the labels of its image; kind cannot give it any.
    """
    repository, _, tag = reference.rpartition(":")
    return f"{repository}:{tag}-{instance}"
