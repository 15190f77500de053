"""The rendered stack has no problem, and a broken object is found: one row per rule, which changes one thing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName
from tests.kubernetes.lint import problems
from tests.kubernetes.objects import api_objects, folder

Objects = dict[str, Any]
Change = Callable[[Objects], object]


def broken(change: Change) -> list[str]:
    """The problems of the rendered stack after a change."""
    objects = {
        f"{each['kind']}/{each['metadata']['name']}": each for each in copy.deepcopy(api_objects(folder("kind")))
    }
    change(objects)
    return problems(list(objects.values()))


def pod(objects: Objects, name: str) -> Any:
    return objects[name]["spec"]["template"]["spec"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("dev_access", [False, True])
def test_the_rendered_stack_has_no_problem(profile: ProfileName, dev_access: bool) -> None:
    assert problems(api_objects(folder(profile, dev_access=dev_access))) == []


def rename(objects: Objects) -> None:
    objects["Service/redis-0"]["metadata"]["name"] = "Redis_0"


def hit_nothing(objects: Objects) -> None:
    objects["Service/redis-master"]["spec"]["selector"]["app.kubernetes.io/name"] = "redis-master"


def other_namespace(objects: Objects) -> None:
    objects["Service/minio-0"]["metadata"]["namespace"] = "default"


def without_edge(objects: Objects) -> None:
    spec = objects["NetworkPolicy/etcd"]["spec"]
    spec["ingress"] = [rule for rule in spec["ingress"] if "postgresql" not in str(rule)]


def any_port(objects: Objects) -> None:
    for direction, name in (("ingress", "grafana"), ("egress", "prometheus")):
        for rule in objects[f"NetworkPolicy/{name}"]["spec"][direction]:
            if {port["port"] for port in rule["ports"]} == {3000} and (
                "prometheus" in str(rule) or "grafana" in str(rule)
            ):
                del rule["ports"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (rename, "Service/Redis_0: its name is no DNS label"),
        (other_namespace, "Service/minio-0: its namespace does not exist"),
        (lambda o: o.update({"twice": o["Service/minio-0"]}), "Service/minio-0 is there 2 times"),
        (
            lambda o: pod(o, "StatefulSet/redis")["containers"][0]["ports"][0].update(name="redis-server-port"),
            "StatefulSet/redis: name of port redis-server-port",
        ),
        (
            lambda o: o["ConfigMap/etcd"]["metadata"]["labels"].pop("app.kubernetes.io/instance"),
            "ConfigMap/etcd: no label app.kubernetes.io/instance",
        ),
        (
            lambda o: o["ConfigMap/etcd"]["metadata"]["labels"].update({"app.kubernetes.io/version": "a b"}),
            "ConfigMap/etcd: label app.kubernetes.io/version=a b",
        ),
        (hit_nothing, "Service/redis-master: its selector hits no pod"),
        (
            lambda o: o["Deployment/grafana"]["spec"]["selector"]["matchLabels"].update(
                {"app.kubernetes.io/name": "etcd"}
            ),
            "Deployment/grafana: its selector does not hit its own pods",
        ),
        (
            lambda o: o["Service/vault-active"]["spec"]["ports"][0].update(targetPort="tcp-8300"),
            "Service/vault-active: no container has port tcp-8300",
        ),
        (
            lambda o: o["Service/minio-api"]["spec"]["ports"][1].update(name="tcp-9000"),
            "Service/minio-api: two ports have one name",
        ),
        (
            lambda o: o["Service/gateway-dev"]["spec"]["ports"][0].update(nodePort=29999),
            "Service/gateway-dev: node port 29999",
        ),
        (
            lambda o: o["Service/gateway-dev"]["spec"]["ports"][0].update(nodePort=30040),
            "node port 30040 is there 2 times",
        ),
        (lambda o: o.pop("Service/etcd-pods"), "StatefulSet/etcd: its Service is not headless"),
        (lambda o: o.pop("Service/etcd-1"), "StatefulSet/etcd: a pod has no Service of its own"),
        (
            lambda o: o["Service/etcd-1"]["spec"].update(publishNotReadyAddresses=False),
            "StatefulSet/etcd: a pod has no Service of its own",
        ),
        (
            lambda o: o["StatefulSet/etcd"]["spec"].update(podManagementPolicy="OrderedReady"),
            "StatefulSet/etcd: its pods start one after the other",
        ),
        (lambda o: o.pop("PodDisruptionBudget/vault"), "StatefulSet/vault: no PodDisruptionBudget"),
        (lambda o: pod(o, "Deployment/grafana").pop("enableServiceLinks"), "Deployment/grafana: enableServiceLinks"),
        (
            lambda o: pod(o, "Deployment/grafana").update(automountServiceAccountToken=True),
            "Deployment/grafana: automountServiceAccountToken",
        ),
        (
            lambda o: pod(o, "StatefulSet/redis")["containers"][0]["resources"]["limits"].update(memory="1GB"),
            "StatefulSet/redis: redis limits memory: 1GB is no quantity",
        ),
        (
            lambda o: pod(o, "StatefulSet/redis")["containers"][0]["resources"]["requests"].update(memory="2Gi"),
            "StatefulSet/redis: redis requests more than its limit",
        ),
        (
            lambda o: pod(o, "StatefulSet/redis")["containers"][0]["resources"].pop("limits"),
            "StatefulSet/redis: redis has no memory request or limit",
        ),
        (
            lambda o: pod(o, "StatefulSet/redis")["containers"][0]["resources"]["limits"].update(cpu="1"),
            "StatefulSet/redis: redis has a CPU limit",
        ),
        (
            lambda o: o["StatefulSet/redis"]["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"].update(
                storage="1 Gi"
            ),
            "StatefulSet/redis: claim data: 1 Gi is no quantity",
        ),
        (lambda o: o.pop("Secret/vault"), "StatefulSet/vault: no secret vault"),
        (
            lambda o: o["ConfigMap/vault"]["data"].pop("vault-serve"),
            "StatefulSet/vault: configMap vault has no key vault-serve",
        ),
        (lambda o: o.pop("PersistentVolumeClaim/grafana-data"), "Deployment/grafana: no claim grafana-data"),
        (lambda o: o.pop("ServiceAccount/minio"), "StatefulSet/minio: no ServiceAccount minio"),
        (
            lambda o: pod(o, "StatefulSet/minio").update(serviceAccountName="etcd"),
            "ServiceAccount/etcd is used 2 times",
        ),
        (
            lambda o: o["ServiceAccount/minio"].update(automountServiceAccountToken=True),
            "ServiceAccount/minio: automountServiceAccountToken",
        ),
        (
            lambda o: pod(o, "Deployment/grafana")["containers"][0]["volumeMounts"][0].update(name="date"),
            "Deployment/grafana: no volume date",
        ),
        (
            lambda o: pod(o, "Deployment/grafana")["containers"][0]["volumeMounts"].pop(0),
            "Deployment/grafana: volume data is not mounted",
        ),
        (
            lambda o: pod(o, "Deployment/grafana")["containers"][0]["volumeMounts"][0].update(mountPath="/tmp"),
            "Deployment/grafana: /tmp is mounted 2 times",
        ),
        (lambda o: o.pop("NetworkPolicy/default-deny"), "no policy denies everything in both directions"),
        (
            lambda o: o["NetworkPolicy/etcd"]["spec"]["ingress"][0].pop("from"),
            "NetworkPolicy/etcd: a rule without a peer",
        ),
        (any_port, "NetworkPolicy/grafana: a rule without a port"),
        (
            lambda o: o["NetworkPolicy/etcd"]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"].update(
                {"app.kubernetes.io/name": "etc"}
            ),
            "NetworkPolicy/etcd: a peer that is no pod: "
            "{'app.kubernetes.io/name': 'etc', 'app.kubernetes.io/instance': 'nexusdev'}",
        ),
        (
            lambda o: o["NetworkPolicy/etcd"]["spec"]["ingress"][0]["ports"][0].update(port=2378),
            "NetworkPolicy/etcd: nothing listens at etcd-0:2378",
        ),
        (without_edge, "postgresql may send to etcd:2379, which may not receive it"),
        (
            lambda o: o["NetworkPolicy/pgbouncer"]["spec"].pop("egress"),
            "gateway-rw:5432 may receive from pgbouncer, which may not send it",
        ),
        (lambda o: o["ConfigMap/etcd"]["data"].update({"a/b": ""}), "ConfigMap/etcd: key a/b"),
        (
            lambda o: o["ConfigMap/etcd"]["data"].update({"big": "x" * 1024 * 1025}),
            "ConfigMap/etcd is larger than 1 MiB",
        ),
    ],
)
def test_a_broken_object_is_found(change: Change, found: str) -> None:
    assert found in broken(change)
