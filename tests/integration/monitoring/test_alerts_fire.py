"""Things are really broken, one beside the other, and each alert is seen firing in Alertmanager within 45 s of its cause, and over after the repair.

All of it is broken at once, because nothing here hides anything else: so the whole drill costs one outage and one repair. Two sentinels die with the
master, since with a quorum a new master would be there before anybody could be told that there is none.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration import application as app
from tests.integration.conftest import Project, variables_of
from tests.integration.monitoring import breaking
from tests.integration.monitoring.breaking import Mend, World
from tests.integration.monitoring.test_monitoring import ask

pytestmark = [pytest.mark.integration, pytest.mark.alone]

SEEN_WITHIN = 45
OVER_WITHIN = 60
_GROUP, _LIFE = "gateway", 15
_ABOUT = ("instance", "role", "group")

# What is done → the alerts that must come of it. {} is the node that it was done to.
EXPECTED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "a replica of PostgreSQL is stopped": (("PostgresNodeDown", "{}"),),
    "Redis's master and two sentinels are killed": (
        ("RedisMasterMissing", ""),
        ("RedisNodeDown", "{}"),
        ("RedisSentinelQuorumLost", ""),
        ("RedisSentinelDown", "sentinel-1"),
        ("GatewayBackendDown", "redis-master"),
    ),
    "a node of MinIO is stopped": (("MinioNodeOffline", "{}"), ("MinioWriteQuorumAtRisk", ""), ("TargetDown", "{}")),
    "a node of Vault is sealed": (("VaultSealed", "{}"),),
    "the pool is full": (("PostgresPoolExhausted", "pgbouncer"),),
    "a connection is not encrypted": (("PlaintextConnection", "{}"),),
    "a certificate ends": (("CertificateExpiring", "{}"), ("CertificateExpired", "{}")),
}
ROWS = [(what, alert) for what, alerts in EXPECTED.items() for alert, _ in alerts]


# What was done, and an alert that must come of it.
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Firing:
    """An alert as Alertmanager has it. ``about``: a service, a role name or a certificate; '' where it concerns a whole component."""

    name: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Drill:
    """Seconds from the cause until each alert was seen, and from the repair until it was gone. What is missing never was."""

    seen: Mapping[Key, float]
    over: Mapping[Key, float]
    texts: tuple[str, ...]


def alerts(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """What Alertmanager shows at the gateway, over verified TLS."""
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    url = f"{variables['ALERTMANAGER_URL']}/api/v2/alerts?active=true"
    with urllib.request.urlopen(url, timeout=10, context=trust) as reply:
        found: list[dict[str, Any]] = json.load(reply)
        return found


def firing(variables: Mapping[str, str]) -> frozenset[Firing]:
    """The firing alerts now."""
    return frozenset(
        Firing(name=labels["alertname"], about=next((labels[each] for each in _ABOUT if each in labels), ""))
        for labels in (each["labels"] for each in alerts(variables))
    )


@pytest.fixture(scope="module")
def drill(project: Project) -> Drill:
    """Break everything, watch, repair everything, watch."""
    variables = variables_of(project)
    world = World(project=project, variables=variables)
    app.until(
        lambda: bool(ask(variables, "/api/v1/query", query="nexus:wanted:count > 0")["result"]),
        seconds=90,
        what="rules that have watched for a minute",
    )
    plan, began, mends = breakers(world), {}, []
    wanted = {
        (what, name): Firing(name=name, about=about.format(plan[what][0]))
        for what, rows in EXPECTED.items()
        for name, about in rows
    }
    try:
        for what, (_, breaker) in plan.items():
            mends.append(breaker())
            began[what] = time.monotonic() + (_LIFE if what == "a certificate ends" else 0)
        seen = _watch(variables, wanted, began, fires=True, seconds=SEEN_WITHIN + _LIFE)
        texts = tuple(" ".join(each["annotations"].values()) for each in alerts(variables))
    finally:
        for mend in mends:
            mend()
        project.run("start")
        project.up()
    over = _watch(variables, wanted, dict.fromkeys(plan, time.monotonic()), fires=False, seconds=OVER_WITHIN)
    return Drill(seen=seen, over=over, texts=texts)


def _watch(
    variables: Mapping[str, str], keys: Mapping[Key, Firing], since: Mapping[str, float], *, fires: bool, seconds: float
) -> Mapping[Key, float]:
    """Key → seconds since its beginning until it fired (or did not any more), of those that came so far."""
    found: dict[Key, float] = {}
    until = time.monotonic() + seconds
    while len(found) < len(keys) and time.monotonic() < until:
        now = firing(variables)
        for key in keys.keys() - found.keys():
            if (keys[key] in now) == fires:
                found[key] = time.monotonic() - since[key[0]]
        time.sleep(0.5)
    return found


def breakers(world: World) -> Mapping[str, tuple[str, Callable[[], Mend]]]:
    """What → (to whom, how). The roles are those before anything is broken."""
    rows = world.project.run("status", "--json").data["nodes"]
    role = {row["role"]: row["service"] for row in rows}
    primary = role["primary"]
    replica = next(
        row["service"] for row in rows if row["role"] == "replica" and row["service"].startswith("postgresql-")
    )
    return {
        "a certificate ends": (_GROUP, lambda: breaking.shorten_a_certificate(world, _GROUP, seconds=_LIFE)),
        "a node of Vault is sealed": (role["active"], lambda: breaking.seal(world, role["active"])),
        "a connection is not encrypted": (primary, lambda: breaking.connect_in_plaintext(world, primary)),
        "the pool is full": ("pgbouncer", lambda: breaking.fill_the_pool(world)),
        "a replica of PostgreSQL is stopped": (replica, lambda: breaking.kill(world, replica)),
        "Redis's master and two sentinels are killed": (
            role["master"],
            lambda: breaking.kill(world, "sentinel-1", "sentinel-2", role["master"]),
        ),
        "a node of MinIO is stopped": ("minio-2", lambda: breaking.kill(world, "minio-2")),
    }


@pytest.mark.parametrize(("what", "alert"), ROWS)
def test_each_alert_fires_within_45_seconds(drill: Drill, what: str, alert: str) -> None:
    assert drill.seen.get((what, alert), float("inf")) < SEEN_WITHIN


@pytest.mark.parametrize(("what", "alert"), ROWS)
def test_each_alert_resolves_after_the_repair(drill: Drill, what: str, alert: str) -> None:
    assert drill.over.get((what, alert), float("inf")) < OVER_WITHIN


def test_alert_texts_are_complete(drill: Drill) -> None:
    """A template that finds no label or no number says so in words that nobody should read."""
    assert drill.texts
    assert not [text for text in drill.texts if "<no value>" in text or "NaN" in text or "%!" in text]


def test_no_critical_alert_fires_on_a_healthy_stack(drill: Drill, variables: Mapping[str, str]) -> None:
    def critical() -> list[str]:
        return [each["labels"]["alertname"] for each in alerts(variables) if each["labels"]["severity"] == "critical"]

    app.until(lambda: critical() == [], seconds=OVER_WITHIN, what="no critical alert")
