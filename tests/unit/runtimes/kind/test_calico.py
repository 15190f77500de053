"""What is written for the cluster: its configuration, and Calico's manifest."""

from __future__ import annotations

import json

import yaml

from nexusdev.runtimes.kind.calico import manifest
from nexusdev.runtimes.kind.config import POD_SUBNET, configuration
from nexusdev.runtimes.kind.names import cluster_name, labelled_image, node_name

CLUSTER = {
    "kind": "Cluster",
    "name": "nexusdev-shop",
    "nodes": [
        {
            "role": "control-plane",
            "extraPortMappings": [{"containerPort": 30010, "hostPort": 21010, "listenAddress": "127.0.0.1"}],
        }
    ],
}


def test_a_cluster_keeps_its_ports_and_has_no_network_of_its_own() -> None:
    written = json.loads(configuration(CLUSTER))
    assert written["nodes"] == CLUSTER["nodes"]
    assert written["networking"]["disableDefaultCNI"] is True
    assert written["networking"]["apiServerAddress"] == "127.0.0.1"
    assert yaml.safe_load(written["kubeadmConfigPatches"][0]) == {
        "kind": "KubeletConfiguration",
        "oomScoreAdj": 0,
        "failCgroupV1": False,
    }


def test_calico_runs_the_image_of_the_lock_in_the_network_of_the_pods() -> None:
    objects = list(yaml.safe_load_all(manifest("nexusdev/calico:3.28-abc")))
    spec = next(each for each in objects if each["kind"] == "DaemonSet")["spec"]["template"]["spec"]
    images = {each["image"] for each in (*spec["containers"], *spec["initContainers"])}
    assert images == {"docker.io/nexusdev/calico:3.28-abc"}
    assert next(each for each in objects if each["kind"] == "IPPool")["spec"]["cidr"] == POD_SUBNET
    network = next(each for each in objects if each["kind"] == "ConfigMap")["data"]["10-calico.conflist"]
    plugin = json.loads(network)["plugins"][0]
    assert (plugin["type"], plugin["policy"]["type"], plugin["policy_setup_timeout_seconds"]) == ("calico", "k8s", 10)


def test_everything_of_an_instance_has_its_name() -> None:
    assert cluster_name("shop") == "nexusdev-shop"
    assert node_name("shop") == "nexusdev-shop-control-plane"
    assert labelled_image("nexusdev/kind-node:1.34-abc", "shop") == "nexusdev/kind-node:1.34-abc-shop"
