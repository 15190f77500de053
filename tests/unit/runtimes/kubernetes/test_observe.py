"""An observation is the same whether kubectl reads, which costs processes, or the reader of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexusdev.errors import NotFound
from nexusdev.runtimes.kubernetes.api_reader import METADATA, ApiReader, access_of
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.observe import observe
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster
from tests.unit.runtimes.kubernetes.test_runtime import OWNER, ask, with_password

NAMES = InstanceNames(instance="shop", namespace="ns", owner_path=OWNER)
KINDS = {
    "statefulsets": "StatefulSet",
    "deployments": "Deployment",
    "pods": "Pod",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "services": "Service",
    "networkpolicies": "NetworkPolicy",
    "serviceaccounts": "ServiceAccount",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "configmaps": "ConfigMap",
    "secrets": "Secret",
}


class FakeReader(ApiReader):
    """Answers with the objects of a cluster in memory, and notes what it was asked for. Lists have no kinds, as those of the API."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.asked: dict[str, str] = {}

    def get(self, path: str, *, accept: str = "") -> Any:
        name = path.rpartition("/")[2]
        self.asked[name] = accept
        if name == "ns":
            if ("Namespace", "ns") not in self.cluster.objects:
                raise NotFound("namespaces ns")
            return self.cluster.objects["Namespace", "ns"]
        kind = KINDS[name]
        found = [each for (other, _), each in self.cluster.objects.items() if other == kind]
        items = [{key: value for key, value in each.items() if key != "kind"} for each in found]
        return {"items": items or (None if accept == METADATA else [])}  # an empty list without contents is null


def test_both_ways_to_read_have_the_same_result(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("one")
    cluster = FakeCluster()
    ask(cluster, wanted=with_password(file))
    by_kubectl, by_reader = observe(cluster, NAMES), observe(cluster, NAMES, FakeReader(cluster))
    assert by_reader.checksums == by_kubectl.checksums
    assert by_reader == by_kubectl


def test_secrets_and_files_are_read_without_their_content() -> None:
    reader = FakeReader(FakeCluster())
    assert observe(reader.cluster, NAMES, reader).namespace is None
    assert (reader.asked["secrets"], reader.asked["configmaps"]) == (METADATA, METADATA)


@pytest.mark.parametrize(
    ("cluster", "user"),
    [
        ({"server": "https://c", "certificate-authority-data": ""}, {"exec": {"command": "gke-gcloud-auth-plugin"}}),
        ({"server": "https://c", "certificate-authority-data": ""}, {"auth-provider": {"name": "oidc"}}),
        ({"server": "https://c", "certificate-authority-data": "", "proxy-url": "http://p"}, {"token": "t"}),
        ({"server": "https://c", "insecure-skip-tls-verify": True}, {"token": "t"}),
        ({"server": "http://c"}, {"token": "t"}),
        ({"server": "https://c", "certificate-authority-data": ""}, {"token": "t", "as": "ann"}),
    ],
)
def test_what_needs_another_program_is_left_to_kubectl(cluster: dict[str, Any], user: dict[str, Any]) -> None:
    assert access_of({"clusters": [{"cluster": cluster}], "users": [{"user": user}]}) is None
