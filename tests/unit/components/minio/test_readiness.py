"""When the object store is ready, and what it says while it is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import Readiness
from nexusdev.components.minio import probe, readiness, status
from nexusdev.components.minio.names import API, BACKUPS, ROLE
from nexusdev.components.minio.readiness import Drive, Facts
from nexusdev.interfaces import Address
from tests.unit.components.minio.world import NODES, Bucket, World

DRIVES = tuple(Drive(node=name, online=True, state="online", free_bytes=3 << 30) for name in NODES)
WRITTEN = dict.fromkeys((ROLE, *NODES), "")
LOST = (*DRIVES[:3], Drive(node="minio-3", online=False, state="offline"))
QUORUM = "the cluster does not accept writes (it needs 3 drives)"


@pytest.mark.parametrize(
    ("facts", "readiness_"),
    [
        (Facts(nodes=NODES, drives=DRIVES, canaries=WRITTEN), Readiness()),
        (Facts(nodes=NODES, trouble="minio-api does not answer"), Readiness(missing="minio-api does not answer")),
        (Facts(nodes=NODES, trouble=QUORUM, drives=LOST), Readiness(missing=f"{QUORUM}: minio-3 is offline")),
        (
            Facts(nodes=NODES, drives=LOST, canaries={**WRITTEN, "minio-3": "does not answer"}),
            Readiness(missing="minio-3 is offline", seedable=True),
        ),
        (
            Facts(nodes=NODES, drives=DRIVES[:2], canaries=WRITTEN),
            Readiness(missing="2 of 4 drives are online", seedable=True),
        ),
        (
            Facts(nodes=NODES, drives=DRIVES, canaries={**WRITTEN, ROLE: "NoSuchBucket"}),
            Readiness(missing="the bucket for the test object does not exist yet"),
        ),
        (
            Facts(nodes=NODES, drives=DRIVES, canaries={**WRITTEN, ROLE: "SlowDownWrite"}),
            Readiness(missing="failed to write a test object: SlowDownWrite"),
        ),
        (
            Facts(
                nodes=NODES, drives=DRIVES, canaries={**WRITTEN, "minio-1": "SlowDownWrite", "minio-2": "SlowDownWrite"}
            ),
            Readiness(
                missing="minio-1 (SlowDownWrite) and minio-2 (SlowDownWrite) do not accept writes yet", seedable=True
            ),
        ),
    ],
    ids=["all well", "no gateway", "no quorum", "a node down", "drives unknown", "no bucket", "refused", "late drives"],
)
def test_readiness_follows_from_the_facts(facts: Facts, readiness_: Readiness) -> None:
    assert readiness.assess(facts) == readiness_


def test_rows_show_state_and_space_of_every_node() -> None:
    rows = status.statuses(Facts(nodes=NODES, drives=LOST, canaries=WRITTEN))
    assert [(row.service, row.state, row.detail, row.ok) for row in rows[2:]] == [
        ("minio-2", "online", "3 GiB free", True),
        ("minio-3", "offline", "", False),
    ]


def test_unreported_nodes_have_no_status() -> None:
    rows = status.statuses(Facts(nodes=NODES, trouble="minio-api does not answer"))
    assert {(row.state, row.detail, row.ok) for row in rows} == {("unknown", "minio-api does not answer", False)}


@pytest.mark.parametrize(
    ("server", "drive"),
    [
        ({"state": "online", "drives": [{"state": "ok", "availspace": 7}]}, (True, "online", 7)),
        ({"state": "offline", "drives": [{"state": "ok"}]}, (False, "offline", 0)),
        ({"state": "online", "drives": []}, (False, "online, its drive is missing", 0)),
        ({"state": "online", "drives": [{"state": "faulty"}]}, (False, "online, its drive is faulty", 0)),
        ({"state": "online", "drives": [{"state": "ok", "healing": True}]}, (False, "healing", 0)),
    ],
)
def test_a_drive_counts_if_it_and_its_node_are_healthy(server: dict[str, object], drive: tuple[bool, str, int]) -> None:
    [found] = probe.parse_info({"servers": [{"endpoint": "minio-0:9000", **server}]})
    assert (found.node, (found.online, found.state, found.free_bytes)) == ("minio-0", drive)


def test_creating_one_bucket_makes_an_empty_cluster_ready(minio: World) -> None:
    facts = probe.probe(minio.access, test_writes=True)
    assert not readiness.assess(facts).ready
    readiness.prepare(minio.access, facts)
    readiness.prepare(minio.access, facts)
    assert readiness.assess(probe.probe(minio.access, test_writes=True)) == Readiness()
    assert minio.memory.buckets[BACKUPS.name].objects == {}


@pytest.mark.parametrize(
    ("health", "missing"),
    [
        ((503, "offline"), "the nodes have not found each other's drives yet"),
        ((200, "iam-offline"), "the nodes have not read users and policies yet"),
        ((503, ""), QUORUM),
    ],
)
def test_a_starting_or_broken_cluster_is_reported(minio: World, health: tuple[int, str], missing: str) -> None:
    minio.memory.health = health
    assert readiness.assess(probe.probe(minio.access, test_writes=True)).missing == missing


def test_a_cluster_without_quorum_is_asked_node_by_node(minio: World) -> None:
    minio.memory.health = (503, "")
    dead = {("minio-1", API): Address(host="localhost", port=1), ("minio-2", API): Address(host="localhost", port=1)}
    facts = probe.probe(replace(minio.access, addresses={**minio.access.addresses, **dead}), test_writes=True)
    assert readiness.assess(facts).missing == f"{QUORUM}: minio-1 is offline; minio-2 is offline"


def test_a_starting_cluster_is_only_asked_for_its_health(minio: World) -> None:
    minio.memory.health = (503, "offline")
    facts = probe.probe(minio.access, test_writes=True)
    assert {request.rsplit("/", 1)[0] for request in minio.memory.requests} == {"GET /minio/health"}
    assert {row.state for row in status.statuses(facts)} == {"starting"}


def test_a_refused_write_is_named(minio: World) -> None:
    minio.memory.buckets[BACKUPS.name] = Bucket()
    minio.memory.refusing[BACKUPS.name] = "SlowDownWrite"
    assert (
        readiness.assess(probe.probe(minio.access, test_writes=True)).missing
        == "failed to write a test object: SlowDownWrite"
    )


def test_a_probe_without_write_tests_only_reads(minio: World) -> None:
    minio.memory.buckets[BACKUPS.name] = Bucket()
    minio.memory.refusing[BACKUPS.name] = "SlowDownWrite"
    facts = probe.probe(minio.access)
    assert {request.partition(" ")[0] for request in minio.memory.requests} == {"GET"}
    assert (readiness.assess(facts), len(facts.drives)) == (Readiness(), 4)


def test_an_unreachable_gateway_is_a_fact(minio: World) -> None:
    nowhere = {**minio.access.addresses, (ROLE, API): Address(host="localhost", port=1)}
    facts = probe.probe(replace(minio.access, addresses=nowhere))
    assert readiness.assess(facts).missing == "minio-api does not answer"


def test_an_unanswered_preparation_is_retried_at_the_next_probe(minio: World) -> None:
    nowhere = replace(minio.access, addresses={(ROLE, API): Address(host="localhost", port=1)})
    readiness.prepare(nowhere, Facts(nodes=NODES, drives=DRIVES, canaries={ROLE: "NoSuchBucket"}))
    assert minio.memory.buckets == {}
