"""When every part is watched, and what is said of those that are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusdev.components.contract import Readiness
from nexusdev.components.monitoring import readiness
from nexusdev.components.monitoring.component import COMPONENT
from nexusdev.components.monitoring.readiness import Facts, Target
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.plan.snapshot import Container, Snapshot, State
from nexusdev.ports import Address, Site, View
from tests.unit.environment.servers import authority, http, serving

CONFIG = Path(__file__).parents[4] / "compose" / "monitoring" / "prometheus.yml"
SERVICES = frozenset({"prometheus", "gateway-rw", "minio-0", "vault-0"})


def target(job: str, instance: str, health: str = "up") -> Target:
    return Target(job=job, instance=instance, health=health)


UP = (target("minio-node", "minio-0"), target("prometheus", "prometheus"), target("vault", "vault-0"))


@pytest.mark.parametrize(
    ("targets", "missing"),
    [
        (UP, ""),
        ((), "prometheus has no targets yet"),
        ((*UP, target("vault", "vault-1", "down")), ""),
        ((UP[0], UP[1], target("vault", "vault-0", "down")), "vault (vault-0) down"),
        ((target("haproxy", "gateway-rw", "unknown"), *UP), "haproxy (gateway-rw) not scraped yet"),
        (
            (target("haproxy", "gateway-rw", "unknown"), target("minio-node", "minio-0", "down"), UP[1]),
            "minio-node (minio-0) down; haproxy (gateway-rw) not scraped yet",
        ),
        ((target("minio-cluster", "minio-api", "down"), *UP), "minio-cluster (minio-api) down"),
        ((target("haproxy", "gateway-rw", "unknown"),) * 4, "several targets not scraped yet"),
    ],
    ids=["all up", "none", "a service that does not exist", "down", "not yet", "both", "a role name", "many"],
)
def test_targets_of_what_exists_must_be_up(targets: tuple[Target, ...], missing: str) -> None:
    assert readiness.judge(Facts(targets=targets, services=SERVICES)) == Readiness(missing=missing)


def test_a_role_counts_only_with_those_who_answer_for_it() -> None:
    targets = (target("minio-cluster", "minio-api", "down"), *UP)
    without_gateway = Facts(targets=targets, services=SERVICES - {"gateway-rw"})
    assert readiness.judge(without_gateway).ready


def test_a_prometheus_that_starts_says_so() -> None:
    assert readiness.judge(Facts(trouble="prometheus reads its data")).missing == "prometheus reads its data"


def test_the_row_counts_targets() -> None:
    [row] = readiness.nodes(Facts(targets=(*UP, target("haproxy", "gateway-rw", "down")), services=SERVICES))
    assert (row.service, row.detail, row.ok) == ("prometheus", "3 of 4 targets up", False)
    [row] = readiness.nodes(Facts(trouble="prometheus does not answer"))
    assert (row.state, row.detail, row.ok) == ("down", "prometheus does not answer", False)


class Running:
    """A runtime in which these services exist."""

    def observe(self) -> Snapshot:
        return Snapshot(containers={name: _container(name) for name in SERVICES})


def _container(name: str) -> Container:
    return Container(
        id=name, name=name, service=name, component="x", state=State.RUNNING, fingerprint="", owner_path=""
    )


@contextmanager
def prometheus(folder: Path, body: str, status: str = "200 OK") -> Iterator[Site]:
    tls = authority(folder / "tls")
    with serving(tls, http(body, status)) as port:
        nothing: Any = None
        runtime: Any = Running()
        yield Site(
            instance="shop",
            nonce="c0ffee",
            addresses={("prometheus", 9090): Address(host="localhost", port=port)},
            secrets=nothing,
            ca_file=tls / "ca.crt",
            client_certificate=tls / "client.crt",
            client_key=tls / "client.key",
            runtime=runtime,
        )


def listed(*targets: Target) -> str:
    active = [
        {"labels": {"job": each.job, "instance": each.instance}, "health": each.health, "lastError": each.error}
        for each in targets
    ]
    return json.dumps({"status": "success", "data": {"activeTargets": active}})


def test_prometheus_is_asked_and_the_runtime_too(tmp_path: Path) -> None:
    with prometheus(tmp_path, listed(*reversed(UP))) as site:
        facts = readiness.look(site)
    assert facts == Facts(targets=UP, services=SERVICES)
    assert readiness.judge(facts).ready


@pytest.mark.parametrize(
    ("body", "status", "trouble"),
    [
        ("", "503 Service Unavailable", "prometheus reads its data"),
        ("", "500 Oops", "prometheus says 500"),
        ("[]", "200 OK", "prometheus told its targets in another way than expected"),
    ],
)
def test_other_answers_are_facts_too(tmp_path: Path, body: str, status: str, trouble: str) -> None:
    with prometheus(tmp_path, body, status) as site:
        assert readiness.look(site).trouble.startswith(trouble)


def test_nobody_there_is_a_fact(tmp_path: Path) -> None:
    with prometheus(tmp_path, "") as site:
        pass
    assert readiness.look(site).trouble == "prometheus does not answer"


def test_its_address_is_proven_by_a_query(tmp_path: Path) -> None:
    with prometheus(tmp_path, '{"status":"success"}') as site:
        values = {variable.name: variable.value for variable in COMPONENT.variables(site, View.HOST)}
        [proof] = COMPONENT.prove(site, values)
    assert proof.path.startswith("PROMETHEUS_URL localhost:")
    with pytest.raises(Degraded, match="does not answer"):
        COMPONENT.prove(site, values)


def test_another_authoritys_prometheus_is_another_instance(tmp_path: Path) -> None:
    with prometheus(tmp_path / "a", "{}") as ours, prometheus(tmp_path / "b", "{}") as theirs:
        values = {variable.name: variable.value for variable in COMPONENT.variables(theirs, View.HOST)}
        with pytest.raises(IdentityMismatch, match="is not this instance's Prometheus"):
            COMPONENT.prove(ours, values)


def jobs() -> list[Mapping[str, Any]]:
    loaded: list[Mapping[str, Any]] = yaml.safe_load(CONFIG.read_text())["scrape_configs"]
    return loaded


@pytest.mark.parametrize("job", jobs(), ids=lambda job: job["job_name"])
def test_every_scrape_is_encrypted_verified_and_labelled(job: Mapping[str, Any]) -> None:
    assert job["scheme"] == "https"
    assert job["tls_config"]["ca_file"] == "/run/tls/ca.crt"
    assert "insecure_skip_verify" not in job["tls_config"]
    assert job["relabel_configs"][0]["target_label"] == "instance"
    assert all(group["labels"]["component"] for group in job["static_configs"])
