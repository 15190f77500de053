"""A pod has everything that its service has in Docker, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName
from tests.kubernetes.objects import api_objects, configs, folder
from tests.kubernetes.parity import differences
from tests.topology import stack


@pytest.mark.parametrize("profile", PROFILES)
def test_the_manifests_match_the_compose_files(profile: ProfileName) -> None:
    assert differences(api_objects(folder(profile)), stack(), configs()) == []


def first(objects: Any, name: str) -> Any:
    return objects[name]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda o: first(o, "StatefulSet/redis").update(image="redis:8"), "redis-1: image redis:8"),
        (lambda o: first(o, "StatefulSet/redis")["securityContext"].update(runAsUser=1), "redis-2: user 1:10001"),
        (
            lambda o: first(o, "StatefulSet/redis")["securityContext"].update(readOnlyRootFilesystem=False),
            "redis-0: readOnlyRootFilesystem",
        ),
        (lambda o: first(o, "StatefulSet/redis")["command"].append("-x"), "redis-0: command"),
        (lambda o: first(o, "StatefulSet/minio")["args"].pop(), "minio-3: args"),
        (lambda o: first(o, "StatefulSet/etcd")["env"].pop(), "etcd-1: variables ['ETCD_ADVERTISE_CLIENT_URLS']"),
        (
            lambda o: first(o, "StatefulSet/etcd")["env"][-1].update(value="https://etcd-0:2379"),
            "etcd-1: variables with other values",
        ),
        (lambda o: first(o, "StatefulSet/etcd")["ports"].pop(0), "etcd-0: ports [2380]"),
        (lambda o: first(o, "StatefulSet/etcd")["resources"]["limits"].update(memory="1Gi"), "etcd-0: memory"),
        (
            lambda o: o["StatefulSet/postgresql"]["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=5),
            "postgresql-0: terminationGracePeriodSeconds",
        ),
        (
            lambda o: o["ConfigMap/etcd"]["data"].update({"etcd-entrypoint": "exit"}),
            "etcd-2: /opt/nexus/etcd.sh has another content",
        ),
        (
            lambda o: first(o, "StatefulSet/etcd")["volumeMounts"][-1].update(mountPath="/temp"),
            "etcd-0: /tmp is not mounted",
        ),
        (lambda o: o.pop("Deployment/grafana"), "grafana: no container"),
        (lambda o: o.pop("Service/minio-api"), "gateway-rw: no Service minio-api"),
        (
            lambda o: o["Service/minio-api"]["spec"]["ports"].pop(),
            "gateway-rw: Service minio-api has no port [9001]",
        ),
        (
            lambda o: o["Service/redis-0"]["spec"]["selector"].update(
                {"statefulset.kubernetes.io/pod-name": "redis-1"}
            ),
            "redis-0: Service redis-0 leads to ['redis-1']",
        ),
    ],
)
def test_a_difference_is_found(change: Callable[[Any], object], found: str) -> None:
    objects = {
        f"{each['kind']}/{each['metadata']['name']}": each for each in copy.deepcopy(api_objects(folder("kind")))
    }
    change(objects)
    assert found in differences(list(objects.values()), stack(), configs())
