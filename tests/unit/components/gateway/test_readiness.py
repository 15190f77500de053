"""When the gateway leads anywhere, by what its proxies say of the servers behind them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.contract import Readiness
from nexusdev.components.gateway import probe, readiness, status
from nexusdev.components.gateway.probe import roles
from nexusdev.components.gateway.readiness import Facts
from nexusdev.interfaces import Address, InstanceAccess, View
from nexusdev.plan import Observation, ObservedService, Phase
from tests.access import instance_access
from tests.topology import topology
from tests.unit.env.servers import authority, http, serving

COMPONENTS = ComponentSet()
COMPONENT = COMPONENTS["gateway"]
PROXIES = topology().of_component("gateway")

GATEWAY = Path(__file__).parents[4] / "compose" / "gateway"
WELL: dict[str, dict[str, tuple[str, ...]]] = {
    "gateway-rw": {
        "postgresql-primary": ("postgresql-1",),
        "redis-0": (),
        "sentinel-0": ("sentinel-0",),
        "redis-2": ("redis-2",),
        "minio-write": ("minio-0", "minio-1", "minio-2", "minio-3"),
        "vault-active": ("vault-0",),
    },
    "gateway-ro": {"postgresql-replica": ("postgresql-0", "postgresql-2"), "redis-replica": ("redis-0", "redis-1")},
}
WITHOUT_VAULT = roles(COMPONENTS, {"gateway", "postgres", "redis", "minio"}, topology())
ALL = roles(COMPONENTS, {"gateway", "postgres", "redis", "minio", "vault"}, topology())
METRICS = """\
# TYPE haproxy_server_status gauge
haproxy_server_status{proxy="minio-write",server="minio-0",state="DOWN"} 0
haproxy_server_status{proxy="minio-write",server="minio-0",state="UP"} 1
haproxy_server_status{proxy="minio-write",server="minio-1",state="DOWN"} 1
haproxy_server_status{proxy="minio-write",server="minio-1",state="UP"} 0
haproxy_server_status{proxy="redis-0",server="redis-0",state="UP"} 0
"""


def without(proxy: str, backend: str) -> dict[str, dict[str, tuple[str, ...]]]:
    return {**WELL, proxy: {**WELL[proxy], backend: ()}}


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (Facts(proxies=PROXIES, servers=WELL, roles=ALL), ""),
        (Facts(proxies=PROXIES, servers={"gateway-rw": WELL["gateway-rw"]}, roles=ALL), "gateway-ro does not answer"),
        (Facts(proxies=PROXIES, roles=ALL), "gateway-rw and gateway-ro do not answer"),
        (
            Facts(proxies=PROXIES, servers=without("gateway-rw", "vault-active"), roles=ALL),
            "no server is up behind vault-active",
        ),
        (
            Facts(proxies=PROXIES, servers=without("gateway-rw", "redis-2"), roles=ALL),
            "no server is up behind redis-master",
        ),
        (
            Facts(proxies=PROXIES, servers=without("gateway-ro", "redis-replica"), roles=ALL),
            "no server is up behind redis-replica",
        ),
        (
            Facts(proxies=PROXIES, servers={"gateway-rw": {}, "gateway-ro": {}}, roles=ALL),
            "several roles have no server yet",
        ),
        (
            Facts(proxies=PROXIES, servers={**WELL, "gateway-ro": {}}, roles=ALL),
            "no server is up behind postgresql-replica and redis-replica",
        ),
        (Facts(proxies=PROXIES, servers=without("gateway-rw", "vault-active"), roles=WITHOUT_VAULT), ""),
        (
            Facts(
                proxies=PROXIES,
                servers={"gateway-rw": {}, "gateway-ro": {}},
                roles=roles(COMPONENTS, {"gateway"}, topology()),
            ),
            "",
        ),
    ],
    ids=[
        "well",
        "one silent",
        "both silent",
        "no vault",
        "no master",
        "no replica",
        "several",
        "two",
        "no vault here",
        "alone",
    ],
)
def test_every_role_of_a_running_component_needs_a_server(facts: Facts, missing: str) -> None:
    assert readiness.assess(facts) == Readiness(missing=missing)


def test_rows_count_the_servers_of_each_role() -> None:
    facts = Facts(proxies=PROXIES, servers={"gateway-ro": {**WELL["gateway-ro"], "redis-replica": ()}}, roles=ALL)
    rw, ro = status.statuses(facts)
    assert (rw.detail, rw.ok) == ("does not answer", False)
    assert (ro.detail, ro.ok) == ("postgresql-replica → 2, redis-replica → no server", False)


def test_servers_that_are_up_are_parsed_from_metrics() -> None:
    assert probe.parse(METRICS) == {"minio-write": ("minio-0",), "redis-0": ()}


def test_both_proxies_are_asked(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    asked: list[str] = []
    with serving(tls, http(METRICS, seen=asked)) as rw, serving(tls, http("", "500 Oops")) as ro:
        facts = probe.probe(access(tls, {"gateway-rw": rw, "gateway-ro": ro}), COMPONENTS)
    assert facts == Facts(
        proxies=PROXIES, servers={"gateway-rw": probe.parse(METRICS)}, roles=roles(COMPONENTS, {"minio"}, topology())
    )
    assert asked[0].startswith("GET /metrics?")
    assert probe.probe(access(tls, {"gateway-rw": 1, "gateway-ro": 1}), COMPONENTS).servers == {}


def test_every_role_has_its_backend_in_the_configuration() -> None:
    for role in roles(COMPONENTS, COMPONENTS, topology()):
        folder = GATEWAY / role.proxy.removeprefix("gateway-")
        words = [line.split() for file in folder.glob("*.cfg") for line in file.read_text().splitlines()]
        named = {line[1] for line in words if line and line[0] in ("listen", "backend", "frontend")}
        assert role.name in named
        assert any(re.fullmatch(role.backend, name) for name in named), role


def test_the_gateway_publishes_no_variables(tmp_path: Path) -> None:
    here = access(authority(tmp_path / "tls"), {})
    assert COMPONENT.variables(here, View.HOST) == ()
    assert COMPONENT.seed(here, {}) == ()
    assert COMPONENT.client([]) is None


class Running:
    """A runtime in which MinIO runs."""

    def observe(self) -> Observation:
        node = ObservedService(service="minio-0", component="minio", phase=Phase.RUNNING)
        return Observation(services={"minio-0": node})


def access(tls: Path, ports: dict[str, int]) -> InstanceAccess:
    runtime: Any = Running()
    return instance_access(
        tls,
        addresses={(name, 8404): Address(host="localhost", port=port) for name, port in ports.items()},
        runtime=runtime,
    )
