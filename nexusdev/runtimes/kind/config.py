"""The configuration of ``kind create cluster`` for one instance. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from nexusdev.runtimes.kubernetes.render.manifest import Manifest

POD_SUBNET = "10.244.0.0/16"
# failCgroupV1: newer versions refuse cgroup v1 by default. oomScoreAdj: a machine may not allow the kubelet's own negative score.
_KUBELET = "kind: KubeletConfiguration\noomScoreAdj: 0\nfailCgroupV1: false\n"


def configuration(cluster: Manifest) -> bytes:
    """Return the configuration as JSON, which kind reads as YAML.

    Args:
        cluster: The rendered ``kind-cluster.yaml``, with the host ports.

    Returns:
        The same cluster without a default CNI, because Calico connects its pods.
    """
    return json.dumps(
        {
            **cluster,
            "networking": {"disableDefaultCNI": True, "podSubnet": POD_SUBNET, "apiServerAddress": "127.0.0.1"},
            "kubeadmConfigPatches": [_KUBELET],
        }
    ).encode()


def host_ports(cluster: Manifest) -> frozenset[int]:
    """Return the host ports that the node publishes."""
    nodes: Iterable[Manifest] = cluster["nodes"]
    return frozenset(mapping["hostPort"] for node in nodes for mapping in node.get("extraPortMappings", ()))
