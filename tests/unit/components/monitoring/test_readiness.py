"""When every part is watched, by both, and what is said of those that are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from msgspec.structs import replace

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.contract import Readiness
from nexusdev.components.monitoring import names, probe, readiness, status, targets
from nexusdev.components.monitoring.coverage import coverage
from nexusdev.components.monitoring.readiness import Facts, Peer, PrometheusServer
from nexusdev.components.monitoring.targets import Target
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess, View
from nexusdev.plan import Observation, ObservedService, Phase
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.topology import topology
from tests.unit.env.servers import Talk, authority, http, serving

ALL = ComponentSet()

COMPONENT = ALL["monitoring"]
SERVERS = topology().members("monitoring", "prometheus")
ALERTMANAGERS = topology().members("monitoring", "alertmanager")

CONFIG = Path(__file__).parents[4] / "compose" / "monitoring" / "prometheus.yml"
SERVICES = frozenset(
    {
        *SERVERS,
        *ALERTMANAGERS,
        "node-exporter",
        "gateway-rw",
        "minio-0",
        "vault-0",
        "redis-0",
        "redis-exporter",
    }
)

DECLARED = targets.declared(ALL, topology())


def target(job: str, instance: str, health: str = "up", *, lost: bool = False) -> Target:
    return Target(job=job, instance=instance, health=health, lost=lost, declared=DECLARED)


UP = (
    target("minio-node", "minio-0"),
    target("node", "machine"),
    target("prometheus", "prometheus-0"),
    target("redis", "redis-0"),
    target("vault", "vault-0"),
)
AGREED = tuple(Peer(name=name, members=2) for name in ALERTMANAGERS)


def facts(*listed: Target, second: tuple[Target, ...] | None = None) -> Facts:
    """Both Prometheus tell of the same targets, unless the second one tells of others."""
    reply = (listed, listed if second is None else second)
    servers = tuple(PrometheusServer(name=name, targets=each) for name, each in zip(SERVERS, reply, strict=True))
    return Facts(
        servers=servers, alertmanagers=AGREED, services=SERVICES, running=SERVICES, unscraped=DECLARED.unscraped
    )


def changed(whole: Facts, name: str, **members: Any) -> Facts:
    """One server says something else."""
    return replace(
        whole,
        servers=tuple(replace(each, **members) if each.name == name else each for each in whole.servers),
        alertmanagers=tuple(replace(each, **members) if each.name == name else each for each in whole.alertmanagers),
    )


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        (facts(*UP), ""),
        (facts(), "prometheus-0 has no targets yet"),
        (facts(*UP, second=()), "prometheus-1 has no targets yet"),
        (changed(facts(), "prometheus-0", young=True), "prometheus-1 has no targets yet"),
        (changed(facts(*UP, second=()), "prometheus-1", young=True), ""),
        (facts(*UP, target("vault", "vault-1", "down", lost=True)), ""),
        (facts(*UP, target("haproxy", "gateway-rw", "unknown")), ""),
        (facts(*UP, target("haproxy", "gateway-rw", "down")), ""),
        (facts(*UP, target("haproxy", "gateway-rw", "down", lost=True)), "haproxy (gateway-rw) down"),
        (facts(*UP, second=(*UP, target("etcd", "vault-0", "down", lost=True))), "etcd (vault-0) down"),
        (facts(*UP, target("minio-cluster", "minio-api", "down", lost=True)), "minio-cluster (minio-api) down"),
        (facts(*(target(f"j{n}", "minio-0", "down", lost=True) for n in range(4))), "several targets down"),
        (changed(facts(*UP), "prometheus-0", trouble="prometheus-0 is starting"), "prometheus-0 is starting"),
        (changed(facts(*UP), "alertmanager-1", members=1), "alertmanager-1 sees 1 of 2 alertmanagers"),
        (replace(facts(*UP), grafana=Peer(name="grafana")), ""),
        (
            replace(facts(*UP), grafana=Peer(name="grafana", trouble="grafana does not answer")),
            "grafana does not answer",
        ),
    ],
    ids=[
        "all up",
        "no targets",
        "no targets at the second",
        "no targets at both, one of them young",
        "no targets yet at the second",
        "a service that does not exist",
        "not scraped yet",
        "down a moment",
        "down for a minute",
        "down for the second only",
        "a role name",
        "many",
        "a server that starts",
        "an alertmanager alone",
        "grafana",
        "grafana silent",
    ],
)
def test_both_prometheus_servers_watch_the_existing_services(reply: Facts, missing: str) -> None:
    assert readiness.assess(reply) == Readiness(missing=missing)


def test_a_role_counts_only_its_answering_targets() -> None:
    reply = facts(*UP, target("minio-cluster", "minio-api", "down", lost=True))
    assert readiness.assess(replace(reply, services=SERVICES - {"gateway-rw"})).ready


def test_a_server_without_its_exporter_is_not_missed() -> None:
    reply = facts(*UP[:3], target("redis", "redis-0", "down", lost=True))
    assert readiness.assess(replace(reply, services=SERVICES - {"redis-exporter"})).ready


def test_the_rows_count_targets_and_peers() -> None:
    reply = changed(
        facts(*UP, target("haproxy", "gateway-rw", "down")), "prometheus-1", trouble="prometheus-1 is starting"
    )
    reply = replace(changed(reply, "alertmanager-1", members=1), grafana=Peer(name="grafana"))
    assert [(row.service, row.detail, row.ok) for row in status.statuses(reply)] == [
        ("prometheus-0", "5 of 6 targets up", False),
        ("prometheus-1", "prometheus-1 is starting", False),
        ("alertmanager-0", "sees 2 of 2", True),
        ("alertmanager-1", "sees 1 of 2", False),
        ("grafana", "", True),
    ]


def test_a_new_prometheus_without_targets_is_ready() -> None:
    reply = changed(facts(*UP, second=()), "prometheus-1", young=True)
    assert [(row.detail, row.ok) for row in status.statuses(reply)][:2] == [
        ("5 of 5 targets up", True),
        ("no targets yet", True),
    ]
    assert not status.statuses(facts(*UP, second=()))[1].ok


def test_an_exporter_of_a_silent_server_is_not_up() -> None:
    [reply] = targets.parse(
        json.loads(listed(UP[3])), DECLARED, silent=[("redis", "redis-0")], lost=[("redis", "redis-0")]
    )
    assert (reply.health, reply.error, reply.lost) == ("down", "it does not answer its exporter", True)


@pytest.mark.parametrize(
    ("job", "instance", "about"),
    [
        ("patroni", "postgresql-1", {"postgresql-1"}),
        ("postgres", "postgresql-1", {"postgresql-1", "postgres-exporter"}),
        ("pgbouncer", "pgbouncer", {"pgbouncer", "pgbouncer-exporter"}),
        ("sentinel", "sentinel-2", {"sentinel-2", "redis-exporter"}),
        ("sentinel-relay", "sentinel-2", {"sentinel-2", "sentinel-relay", "redis-exporter"}),
        ("node", "machine", {"node-exporter"}),
        ("minio-cluster", "minio-api", set()),
    ],
)
def test_a_target_covers_its_server_and_its_exporter(job: str, instance: str, about: set[str]) -> None:
    assert target(job, instance).about == about


def test_coverage_counts_running_services_seen_by_either_prometheus() -> None:
    reply = replace(facts(*UP, second=(target("prometheus", "prometheus-1"),)), running=SERVICES | {"minio-client"})
    found = coverage(reply)
    assert found.unseen == {"alertmanager-0", "alertmanager-1", "gateway-rw"}
    assert (len(found.services), found.scraped, found.share) == (10, 7, 0.7)


def test_coverage_is_empty_when_nothing_runs() -> None:
    assert coverage(Facts()).share == 0.0


class Running(SeenFromContainers):
    """A runtime in which these services exist."""

    def __init__(self, services: frozenset[str] = SERVICES) -> None:
        self.services = services

    def observe(self) -> Observation:
        return Observation(services={name: _running(name) for name in sorted(self.services)})


def _running(name: str) -> ObservedService:
    return ObservedService(service=name, component="x", phase=Phase.RUNNING)


def _access(tls: Path, ports: Mapping[str, int], services: frozenset[str] = SERVICES) -> InstanceAccess:
    runtime: Any = Running(services)
    containers = {
        **dict.fromkeys((names.PROMETHEUS, *SERVERS), names.PORT),
        **dict.fromkeys((names.ALERTMANAGER, *ALERTMANAGERS), names.ALERTS_PORT),
        names.GRAFANA: names.PAGES_PORT,
    }
    return instance_access(
        tls,
        addresses={
            (name, port): Address(host="localhost", port=ports.get(name.rpartition("-")[0] or name, 1))
            for name, port in containers.items()
        },
        runtime=runtime,
    )


def answering(**bodies: str) -> Talk:
    """A server that answers a path that begins so, with _ for /, with this body; everything else with {}."""

    def talk(stream: IO[bytes]) -> None:
        path = stream.readline().decode().split()[1]
        found = next(
            (body for name, body in bodies.items() if path.lstrip("/").replace("/", "_").startswith(name)), "{}"
        )
        http(found)(stream)

    return talk


@contextmanager
def monitoring(
    folder: Path, prometheus: Talk, alertmanager: Talk | None = None, services: frozenset[str] = SERVICES
) -> Iterator[InstanceAccess]:
    """One server plays both Prometheus and their role, another both Alertmanagers."""
    tls = authority(folder / "tls")
    peers = answering(api_v2_status=json.dumps({"cluster": {"peers": [{}, {}]}}))
    with ExitStack() as stack:
        ports = {
            names.PROMETHEUS: stack.enter_context(serving(tls, prometheus)),
            names.ALERTMANAGER: stack.enter_context(serving(tls, alertmanager or peers)),
        }
        yield _access(tls, {**ports, names.GRAFANA: ports[names.ALERTMANAGER]}, services)


def listed(*reply: Target) -> str:
    active = [
        {"labels": {"job": each.job, "instance": each.instance}, "health": each.health, "lastError": each.error}
        for each in reply
    ]
    return json.dumps({"status": "success", "data": {"activeTargets": active}})


def marked(**marks: tuple[str, str]) -> str:
    """An answer in which these targets, (job, instance), are silent or lost."""
    found = [{"metric": {"what": what, "job": job, "instance": instance}} for what, (job, instance) in marks.items()]
    return json.dumps({"status": "success", "data": {"result": found}})


def test_the_probe_asks_every_server_and_the_runtime(tmp_path: Path) -> None:
    talk = answering(api_v1_targets=listed(*reversed(UP)), api_v1_query=marked())
    with monitoring(tmp_path, talk, services=SERVICES | {"grafana"}) as access:
        reply = COMPONENT.probe(access)
    assert reply == replace(
        facts(*UP), grafana=Peer(name="grafana"), services=SERVICES | {"grafana"}, running=SERVICES | {"grafana"}
    )
    assert COMPONENT.assess(reply).ready


def test_silent_and_lost_targets_are_found_with_one_query(tmp_path: Path) -> None:
    talk = answering(
        api_v1_targets=listed(*UP), api_v1_query=marked(silent=("redis", "redis-0"), lost=("redis", "redis-0"))
    )
    with monitoring(tmp_path, talk) as access:
        assert COMPONENT.assess(COMPONENT.probe(access)).missing == "redis (redis-0) down"


@pytest.mark.parametrize(("started", "missing"), [("17:59:50", ""), ("17:59:40", "prometheus-0 has no targets yet")])
def test_a_prometheus_that_just_started_may_be_without_targets(tmp_path: Path, started: str, missing: str) -> None:
    began = json.dumps({"status": "success", "data": {"startTime": f"2026-11-28T{started}.230752752Z"}})
    talk = answering(api_v1_targets=listed(), api_v1_query=marked(), api_v1_status_runtimeinfo=began)
    with monitoring(tmp_path, talk) as access:
        assert COMPONENT.assess(COMPONENT.probe(access)).missing == missing


@pytest.mark.parametrize(
    ("talk", "trouble"),
    [
        (http("", "503 Service Unavailable"), "prometheus-0 is starting"),
        (http("", "500 Oops"), "prometheus-0 answered 500"),
        (http("[]"), "unexpected answer from prometheus-0"),
    ],
)
def test_unexpected_answers_are_facts(tmp_path: Path, talk: Talk, trouble: str) -> None:
    with monitoring(tmp_path, talk) as access:
        assert probe.probe(access, ALL).servers[0].trouble.startswith(trouble)


def test_an_unreachable_server_is_a_fact(tmp_path: Path) -> None:
    reply = probe.probe(_access(authority(tmp_path / "tls"), {}), ALL)
    troubles = [*(each.trouble for each in reply.servers), *(each.trouble for each in reply.alertmanagers)]
    assert troubles == [f"{name} does not answer" for name in (*SERVERS, *ALERTMANAGERS)]


def test_grafana_has_an_address_only_if_it_exists(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    without, beside = (
        COMPONENT.variables(_access(tls, {}, each), View.CONTAINER) for each in (SERVICES, SERVICES | {"grafana"})
    )
    assert [each.value for each in without] == ["https://prometheus:9090", "https://alertmanager:9093"]
    assert [each.value for each in beside][2:] == ["https://grafana:3000"]


def test_addresses_are_proven_by_a_query(tmp_path: Path) -> None:
    with monitoring(tmp_path, answering()) as access:
        values = {variable.name: variable.value for variable in COMPONENT.variables(access, View.HOST)}
        proofs = [proof.path.partition(":")[0] for proof in COMPONENT.prove(access, values)]
    assert proofs == ["PROMETHEUS_URL localhost", "ALERTMANAGER_URL localhost"]
    with pytest.raises(Degraded, match="does not answer"):
        COMPONENT.prove(access, values)


def test_an_unscraped_own_service_does_not_degrade_monitoring() -> None:
    own = replace(target(names.OWN_JOB, "redis-0", "down", lost=True))
    assert COMPONENT.assess(facts(*UP, own)).ready
    assert not COMPONENT.assess(facts(*UP, target("vault", "vault-0", "down", lost=True))).ready


def test_a_prometheus_of_another_ca_is_an_identity_mismatch(tmp_path: Path) -> None:
    with monitoring(tmp_path / "a", answering()) as ours, monitoring(tmp_path / "b", answering()) as theirs:
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
    relabelled = {each.get("target_label") for each in job.get("relabel_configs", ())}
    assert bool(job.get("static_configs")) is not (job["job_name"] == names.OWN_JOB and bool(job["file_sd_configs"]))
    assert all(
        "instance" in relabelled | group["labels"].keys() for group in job.get("static_configs", [{"labels": {}}])
    )
    assert all(group["labels"]["component"] for group in job.get("static_configs", ()))
