"""Volumes of a cluster of kind: folders of its node, made at once.

The provisioner of kind starts a pod for every folder that it makes, which takes a minute for the whole stack. A volume that is bound to its
claim from the start needs none. A claim that has no such volume, because it was made again, still gets one from the provisioner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nexusdev.runtimes.kubernetes.render.pod_groups import pod_groups
from nexusdev.runtimes.kubernetes.volume_claims import claim_names

if TYPE_CHECKING:
    from nexusdev.runtimes.kind.node import Node
    from nexusdev.runtimes.kubernetes.kubectl import Kubectl
    from nexusdev.runtimes.kubernetes.render.manifest import Manifest
    from nexusdev.stack.model import Stack

#: The class of kind's provisioner, which claims without a class get.
CLASS = "standard"
_FOLDER = "/var/nexusdev-volumes"
# Nothing is measured against it: a folder has the node's disk.
_SIZE = "1Ti"


def claims_of(stack: Stack) -> tuple[str, ...]:
    """Return the names of all claims of a stack."""
    return tuple(dict.fromkeys(claim.name for group in pod_groups(stack) for claim in claim_names(group).values()))


def persistent_volume(claim: str, namespace: str) -> Manifest:
    """Return the volume that is bound to a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _name(claim, namespace)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": _SIZE},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": claim,
                "namespace": namespace,
            },
            "hostPath": {"path": _path(claim, namespace), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
        },
    }


def make(node: Node, kubectl: Kubectl, claims: Iterable[str], namespace: str) -> None:
    """Make the folders and the volumes of these claims. Those that exist are left alone.

    Raises:
        RuntimeRefused: The node or the API server refuses.
        PreflightFailed: The API server does not answer.
    """
    wanted = tuple(claims)
    # Every user may write, as with the provisioner's folders: a pod makes its own folder in it.
    node.run("mkdir", "--parents", "--mode=0777", *(_path(each, namespace) for each in wanted))
    kubectl.apply([persistent_volume(each, namespace) for each in wanted])


def remove(node: Node, kubectl: Kubectl, claim: str, namespace: str) -> None:
    """Remove the volume of a claim that was deleted, with its data. One that does not exist is no error."""
    kubectl.delete([f"persistentvolume/{_name(claim, namespace)}"], namespace)
    node.run("rm", "--recursive", "--force", _path(claim, namespace))


def _name(claim: str, namespace: str) -> str:
    return f"{namespace}-{claim}"


def _path(claim: str, namespace: str) -> str:
    return f"{_FOLDER}/{namespace}/{claim}"
