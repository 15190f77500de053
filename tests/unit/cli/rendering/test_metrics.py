"""nexusdev metrics, typed, at a Prometheus that answers over the instance's own TLS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nexusdev.components.monitoring.client import Prometheus
from nexusdev.instance.port_blocks import is_taken
from nexusdev.interfaces import InstanceAccess
from tests.fakes import COMPOSE, FakeComponent, House
from tests.unit.env.servers import http, serving

ANSWER = json.dumps(
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"job": "redis"}, "value": [1, "3"]}]}}
)
REFUSAL = json.dumps(
    {"status": "error", "errorType": "bad_data", "error": 'invalid parameter "query": 1:4: parse error: unexpected end'}
)


class Monitor(FakeComponent):
    """A component that stores metrics, in a Prometheus that is really asked."""

    def metrics_client(self, access: InstanceAccess, *, timeout: float) -> Prometheus:
        return Prometheus(access=access, timeout=timeout)


def free_port() -> int:
    """One that may be published, below 32768, and that no other test process uses: this test really listens there."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20000 + worker % 10 * 100
    return next(port for port in range(first, first + 100) if not is_taken(port))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def house(house: House, port: int) -> House:
    service = f"""  prometheus:
    image: ${{NEXUS_IMAGE_REDIS}}
    x-nexusdev: {{component: monitoring}}
    entrypoint: [serve]
    networks: {{nexus: {{ipv4_address: "${{NEXUS_NET:-10.213.0}}.70"}}}}
    ports: ["127.0.0.1:{port}:9090"]
secrets:
  server-crt: {{file: "${{NEXUS_STATE}}/tls/server.crt", x-nexusdev: {{certificate: server}}}}
  server-key: {{file: "${{NEXUS_STATE}}/tls/server.key", x-nexusdev: {{certificate: server}}}}
"""
    (house.folder / "compose" / "stack.yaml").write_text(COMPOSE.replace("secrets:\n", service))
    house.more = (Monitor(name="monitoring"),)
    assert house.type("up").status == 0
    return house


@contextmanager
def answering(house: House, port: int, body: str, status: str = "200 OK") -> Iterator[list[str]]:
    seen: list[str] = []
    with serving(house.folder / "state" / "instances" / "shop" / "tls", http(body, status, seen), port=port):
        yield seen


def test_metrics_print_a_table_or_prometheus_json(house: House, port: int) -> None:
    with answering(house, port, ANSWER):
        assert house.type("metrics", "up").out == "job    value\nredis  3\n"
        envelope = house.type("metrics", "up", "--json").envelope
    assert (envelope["command"], envelope["ok"]) == ("metrics", True)
    assert envelope["data"] == json.loads(ANSWER)["data"]


def test_a_range_sends_a_range_query(house: House, port: int) -> None:
    with answering(house, port, ANSWER) as seen:
        house.type("metrics", "up", "--range", "15m")
    assert seen[0].startswith("GET /api/v1/query_range?query=up&")


def test_an_invalid_query_exits_with_2_and_marks_the_position(house: House, port: int) -> None:
    with answering(house, port, REFUSAL, "400 Bad Request"):
        ran = house.type("metrics", "up{")
    assert ran.status == 2
    assert ran.err.splitlines() == [
        f"{'Error: Prometheus rejects this query'.ljust(94)}PROMQL",
        "  why       1:4: parse error: unexpected end",
        "  evidence  up{",
        "               ^",
        "  next      nexusdev metrics --help   examples",
    ]


def test_an_unreachable_prometheus_exits_with_4_and_a_hint(house: House) -> None:
    ran = house.type("metrics", "up")
    assert ran.status == 4
    assert "nexusdev start monitoring" in ran.err


@pytest.mark.parametrize("typed", [["up", "--step", "5s"], ["up", "--range", "15x"], []])
def test_invalid_arguments_exit_with_2(house: House, typed: list[str]) -> None:
    assert house.type("metrics", *typed).status == 2
