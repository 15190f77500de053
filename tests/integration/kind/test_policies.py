"""Who may connect to whom, asked from inside the pods of a cluster in which Calico enforces the policies."""

from __future__ import annotations

import pytest

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.integration.kind.policies import DROPPED, NAMESPACE, OPEN, answers, rows

pytestmark = [pytest.mark.integration, pytest.mark.kind]

_SUFFIX = f".{NAMESPACE}.svc.cluster.local"
_DNS = "kube-dns.kube-system.svc.cluster.local:53"
_API = "kubernetes.default.svc.cluster.local:443"


def _of_production(text: str) -> str:
    """The names of Services as pods of other namespaces have to say them."""
    return " ".join(each.replace(":", f"{_SUFFIX}:") for each in text.split())


#: Pod → what it must reach.
ALLOWED = {
    "postgresql-0": f"etcd-1:2379 postgresql-1:5432 postgresql-1:8008 postgresql-primary:5432 postgresql-replica:5432 {_DNS}",
    "etcd-0": f"etcd-1:2379 etcd-1:2380 {_DNS}",
    "pgbouncer": f"postgresql-primary:5432 postgresql-replica:5432 {_DNS}",
    "redis-0": f"redis-1:6379 sentinel-1:26379 redis-master:6379 {_DNS}",
    "sentinel-0": f"redis-1:6379 sentinel-1:26379 {_DNS}",
    "sentinel-relay": f"sentinel-0:26379 {_DNS}",
    "minio-0": f"minio-1:9000 {_DNS}",
    "minio-client": f"minio-api:9000 {_DNS}",
    "vault-0": f"vault-1:8200 vault-1:8201 vault-unseal:8200 vault-active:8200 postgresql-primary:5432 {_DNS}",
    "vault-unseal": _DNS,
    "gateway-rw": f"postgresql-0:5432 postgresql-0:8008 redis-0:6379 sentinel-0:26379 minio-0:9000 vault-0:8200 {_DNS}",
    "gateway-ro": f"postgresql-0:5432 redis-0:6379 prometheus-0:9090 alertmanager-0:9093 {_DNS}",
    "gateway-dev": f"etcd-0:2379 postgresql-0:8008 sentinel-0:26379 vault-unseal:8200 prometheus-0:9090 {_DNS}",
    "prometheus-0": f"postgres-exporter:9187 pgbouncer:9127 vault-0:8202 etcd-0:2379 gateway-rw:8404 node-exporter:9100 {_DNS}",
    "alertmanager-0": f"alertmanager-1:9094 {_DNS}",
    "postgres-exporter": f"postgresql-0:5432 {_DNS}",
    "redis-exporter": f"redis-0:6379 sentinel-0:26379 sentinel-relay:26380 {_DNS}",
    "node-exporter": _DNS,
    "app-client": _of_production(
        "postgresql-primary:5432 postgresql-replica:5432 pgbouncer:6432 redis-master:6379 minio-api:9000 vault-active:8200 prometheus:9090"
    ),
}
#: Pod → what it must not reach, although something listens there.
DENIED = {
    "postgresql-0": f"etcd-1:2380 redis-0:6379 minio-0:9000 vault-0:8200 pgbouncer:6432 {_API}",
    "etcd-0": "postgresql-0:5432 redis-0:6379 vault-unseal:8200",
    "pgbouncer": "postgresql-0:5432 etcd-0:2379",
    "redis-0": "postgresql-0:5432 minio-api:9000 etcd-0:2379",
    "sentinel-0": "vault-active:8200 postgresql-primary:5432",
    "sentinel-relay": "redis-0:6379",
    "minio-0": "minio-1:9001 postgresql-primary:5432 vault-unseal:8200",
    "minio-client": "minio-0:9000 redis-master:6379",
    "vault-0": f"postgresql-0:5432 etcd-0:2379 minio-0:9000 {_API}",
    "vault-unseal": "vault-0:8200 postgresql-primary:5432",
    "gateway-rw": "etcd-0:2379 prometheus-0:9090 vault-unseal:8200",
    "gateway-ro": "minio-0:9000 etcd-0:2379",
    "gateway-dev": f"etcd-0:2380 vault-0:8201 {_API}",
    "prometheus-0": "postgresql-0:5432 redis-0:6379 sentinel-0:26379",
    "alertmanager-0": "prometheus-0:9090 gateway-rw:8404",
    "postgres-exporter": "etcd-0:2379 postgresql-0:8008",
    "redis-exporter": "postgresql-0:5432",
    "node-exporter": "prometheus-0:9090",
    "app-client": _of_production(
        "postgresql-0:5432 postgresql-0:8008 etcd-0:2379 redis-0:6379 minio-0:9000 vault-0:8200 vault-unseal:8200 gateway-rw:8404 gateway-dev:30040"
    ),
    "app-stranger": _of_production(
        "postgresql-primary:5432 pgbouncer:6432 redis-master:6379 minio-api:9000 vault-active:8200 gateway-dev:30040"
    ),
}
TABLE = [*rows(OPEN, ALLOWED), *rows(DROPPED, DENIED)]


@pytest.mark.usefixtures("applications")
def test_pods_reach_what_they_must_and_nothing_else(kubectl: Kubectl) -> None:
    found = answers(kubectl, TABLE)
    wrong = [f"{row}: {found[row]} instead of {row.expected}" for row in TABLE if found[row] != row.expected]
    assert not wrong, "\n".join(wrong)


def test_the_table_has_every_workload(kubectl: Kubectl) -> None:
    listed = kubectl.get(["statefulsets", "deployments"], NAMESPACE)
    names = {each["metadata"]["name"] for each in listed}
    for table in (ALLOWED, DENIED):
        asked = {name.rpartition("-")[0] if name[-1].isdigit() else name for name in table}
        assert names <= asked, names - asked
