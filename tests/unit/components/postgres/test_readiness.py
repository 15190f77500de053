"""Every bad day of PostgreSQL is a row: what was seen, and the sentence that the waiting person reads."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.components.postgres.probe import members_of, own_member
from nexusdev.components.postgres.readiness import (
    Facts,
    Member,
    Route,
    Serves,
    Store,
    assess,
)
from nexusdev.components.postgres.status import statuses

LEADER = Member(name="postgresql-0", role="leader", state="running", timeline=1)
FIRST = Member(name="postgresql-1", role="quorum_standby", state="streaming", timeline=1)
SECOND = Member(name="postgresql-2", role="quorum_standby", state="streaming", timeline=1)


def seen_by_all(*members: Member) -> dict[str, tuple[Member, ...]]:
    return dict.fromkeys(("postgresql-0", "postgresql-1", "postgresql-2"), members)


NODES = ("postgresql-0", "postgresql-1", "postgresql-2")
GOOD = Facts(
    nodes=NODES,
    views=seen_by_all(LEADER, FIRST, SECOND),
    stores={
        "etcd-0": Store(answers=True, has_leader=True),
        "etcd-1": Store(answers=True, has_leader=True, leads=True),
        "etcd-2": Store(answers=True, has_leader=True),
    },
    primary=Route(serves=Serves.PRIMARY, writes=True),
    replica=Route(serves=Serves.REPLICA),
    pool=Route(serves=Serves.PRIMARY),
    has_roles=True,
)


def stores(**changed: Store) -> dict[str, Store]:
    return {**GOOD.stores, **{name.replace("_", "-"): store for name, store in changed.items()}}


def as_(member: Member, **changed: Any) -> Member:
    return replace(member, **changed)


BAD_DAYS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing is there yet": (
        {"views": {}, "stores": {name: Store() for name in GOOD.stores}, "primary": Route()},
        "etcd has no quorum: 0 of 3 members answer",
    ),
    "one etcd member is alone": (
        {"stores": stores(etcd_0=Store(), etcd_1=Store(), etcd_2=Store(answers=True))},
        "etcd has no quorum: 1 of 3 members answer",
    ),
    "one etcd member is down": (
        {"stores": stores(etcd_1=Store())},
        "etcd-1 is not in etcd's quorum",
    ),
    "one etcd member lost the others": (
        {"stores": stores(etcd_2=Store(answers=True))},
        "etcd-2 is not in etcd's quorum",
    ),
    "etcd is there and no node is": ({"views": {}}, "no node answers yet"),
    "a node is there and knows no cluster": ({"views": {"postgresql-0": ()}}, "no leader yet"),
    "the first node initializes": (
        {"views": seen_by_all(as_(LEADER, role="replica", state="initializing new cluster"))},
        "no leader yet: postgresql-0 is initializing new cluster",
    ),
    "nobody leads after the primary died": (
        {"views": seen_by_all(as_(FIRST, role="replica", state="running"), as_(SECOND, role="replica"))},
        "no leader yet: postgresql-1 is running",
    ),
    "two nodes call themselves leader": (
        {"views": {"postgresql-0": (LEADER, FIRST), "postgresql-1": (as_(LEADER, name="postgresql-1"),)}},
        "2 leaders: postgresql-0 and postgresql-1",
    ),
    "the leader starts": (
        {"views": seen_by_all(as_(LEADER, state="starting"), FIRST, SECOND)},
        "leader postgresql-0 is starting",
    ),
    "the gateway does not know the leader yet": (
        {"primary": Route(serves=Serves.SILENT, answer="closed")},
        "the gateway does not route to postgresql-0 yet",
    ),
    "the gateway still has the old leader": (
        {"primary": Route(serves=Serves.REPLICA)},
        "the gateway still routes postgresql-primary to a replica",
    ),
    "the primary refuses the login": (
        {"primary": Route(serves=Serves.REFUSED, answer="password authentication failed")},
        "postgresql-primary failed: password authentication failed",
    ),
    "the primary waits for its replicas": (
        {"primary": Route(serves=Serves.PRIMARY, answer="timed out")},
        "postgresql-0 does not acknowledge writes: timed out",
    ),
    "a replica streams and does not count yet": (
        {"views": seen_by_all(LEADER, FIRST, as_(SECOND, role="replica"))},
        "1 of 2 replicas in the quorum: postgresql-2 is streaming but not in the quorum yet",
    ),
    "both replicas copy": (
        {
            "views": seen_by_all(
                LEADER,
                as_(FIRST, role="replica", state="creating replica"),
                as_(SECOND, role="replica", state="creating replica"),
            )
        },
        "0 of 2 replicas in the quorum: postgresql-1 is creating replica, postgresql-2 is creating replica",
    ),
    "a replica is in the quorum by name only": (
        {"views": seen_by_all(LEADER, FIRST, as_(SECOND, state="stopped"))},
        "1 of 2 replicas in the quorum: postgresql-2 is stopped",
    ),
    "a node is gone": (
        {"views": {"postgresql-0": (LEADER, FIRST), "postgresql-1": (LEADER, FIRST)}},
        "1 of 2 replicas in the quorum: postgresql-2 does not answer",
    ),
    "a replica died and etcd still remembers it": (
        {"views": {"postgresql-0": (LEADER, FIRST, SECOND), "postgresql-1": (LEADER, FIRST, SECOND)}},
        "1 of 2 replicas in the quorum: postgresql-2 does not answer",
    ),
    "the primary died and its lease runs": (
        {"views": {"postgresql-1": (LEADER, FIRST, SECOND), "postgresql-2": (LEADER, FIRST, SECOND)}},
        "leader postgresql-0 does not answer",
    ),
    "the gateway knows no replica": (
        {"replica": Route(serves=Serves.SILENT)},
        "the gateway has no replica for postgresql-replica yet",
    ),
    "the replicas' name ends at the primary": (
        {"replica": Route(serves=Serves.PRIMARY)},
        "the gateway routes postgresql-replica to the primary",
    ),
    "the pool is down": ({"pool": Route(serves=Serves.SILENT)}, "pgbouncer does not answer"),
    "the pool is down before seeding": (
        {"pool": Route(serves=Serves.SILENT), "has_roles": False},
        "pgbouncer does not answer",
    ),
    "the pool cannot log in": (
        {"pool": Route(serves=Serves.REFUSED, answer="server login failed")},
        "pgbouncer failed: server login failed",
    ),
    "the pool leads astray": ({"pool": Route(serves=Serves.REPLICA)}, "pgbouncer routes to a replica"),
}


def test_a_complete_cluster_is_ready() -> None:
    assert assess(GOOD).ready


@pytest.mark.parametrize(("changed", "missing"), BAD_DAYS.values(), ids=BAD_DAYS)
def test_each_failure_is_described_in_one_sentence(changed: dict[str, Any], missing: str) -> None:
    assert assess(replace(GOOD, **changed)).missing == missing


def test_an_unseeded_pool_does_not_block_readiness() -> None:
    facts = replace(GOOD, has_roles=False, pool=Route(serves=Serves.REFUSED, answer="not seeded yet"))
    assert assess(facts).ready


def test_the_cluster_can_be_seeded_after_the_first_acknowledged_write() -> None:
    alone = replace(GOOD, views=seen_by_all(LEADER), replica=Route(serves=Serves.SILENT))
    assert assess(alone).seedable
    assert not assess(alone).ready
    assert not assess(replace(alone, primary=Route(serves=Serves.PRIMARY))).seedable


def test_two_leaders_are_not_seeded() -> None:
    torn = {"postgresql-0": (LEADER,), "postgresql-1": (as_(LEADER, name="postgresql-1"),)}
    assert not assess(replace(GOOD, views=torn)).seedable


def test_every_server_has_a_row() -> None:
    rows = {row.service: row for row in statuses(GOOD)}
    assert list(rows) == [
        "postgresql-0", "postgresql-1", "postgresql-2", "etcd-0", "etcd-1", "etcd-2", "pgbouncer",
    ]  # fmt: skip
    assert all(row.ok for row in rows.values())
    assert (rows["postgresql-0"].role, rows["postgresql-0"].detail) == ("primary", "timeline 1")
    assert rows["postgresql-1"].detail == "in the quorum, lag 0 B, timeline 1"
    assert (rows["etcd-0"].role, rows["etcd-1"].role) == ("follower", "leader")


def test_an_unreachable_node_is_down_even_if_others_list_it() -> None:
    views = {name: view for name, view in GOOD.views.items() if name != "postgresql-2"}
    row = next(row for row in statuses(replace(GOOD, views=views)) if row.service == "postgresql-2")
    assert (row.state, row.role, row.detail, row.ok) == ("down", "", "does not answer", False)


def test_an_answering_node_without_a_cluster_is_starting() -> None:
    row = statuses(replace(GOOD, views=seen_by_all(LEADER, FIRST)))[2]
    assert (row.service, row.state, row.ok) == ("postgresql-2", "starting", False)


@pytest.mark.parametrize(
    ("role", "quorum", "ok"),
    [
        ("quorum_standby", "in the quorum", True),
        ("sync_standby", "in the quorum", True),
        ("replica", "not in the quorum", False),
    ],
)
def test_the_quorum_in_a_row_matches_its_state(role: str, quorum: str, ok: bool) -> None:
    row = statuses(replace(GOOD, views=seen_by_all(LEADER, FIRST, replace(SECOND, role=role))))[2]
    assert (row.detail.partition(",")[0], row.ok) == (quorum, ok)


def test_patroni_replies_are_parsed_into_members() -> None:
    document = {
        "members": [
            {"name": "postgresql-0", "role": "leader", "state": "running", "timeline": 2},
            {"name": "postgresql-1", "role": "quorum_standby", "state": "streaming", "timeline": 2, "lag": 4096},
            {"name": "postgresql-2", "role": "replica", "state": "creating replica", "lag": "unknown"},
        ]
    }
    leader, first, second = members_of(document)
    assert leader == Member(name="postgresql-0", role="leader", state="running", timeline=2)
    assert first.lag == 4096
    assert second == Member(name="postgresql-2", role="replica", state="creating replica", lag=-1)


@pytest.mark.parametrize(
    ("document", "role", "state"),
    [
        ({"role": "primary", "state": "running"}, "leader", "running"),
        ({"role": "replica", "state": "running", "replication_state": "streaming", "quorum_standby": True}, "quorum_standby", "streaming"),
        ({"role": "replica", "state": "running"}, "replica", "running"),
        ({"state": "starting"}, "replica", "starting"),
    ],
)  # fmt: skip
def test_without_etcd_each_node_reports_its_own_state(document: dict[str, Any], role: str, state: str) -> None:
    member = own_member("postgresql-0", document)
    assert (member.role, member.state) == (role, state)


ALONE = Facts(
    nodes=NODES[:1],
    views={"postgresql-0": (LEADER,)},
    primary=Route(serves=Serves.PRIMARY, writes=True),
    replica=Route(serves=Serves.PRIMARY),
    pool=Route(serves=Serves.PRIMARY),
    has_roles=True,
)


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, ""),
        ({"views": {}, "primary": Route()}, "no node answers yet"),
        ({"primary": Route(serves=Serves.SILENT)}, "postgresql-0 does not answer"),
        ({"pool": Route(serves=Serves.SILENT)}, "pgbouncer does not answer"),
    ],
)
def test_a_single_server_needs_neither_etcd_nor_replicas(changed: dict[str, Any], missing: str) -> None:
    assert assess(replace(ALONE, **changed)).missing == missing


def test_a_single_server_is_one_row_beside_the_pool() -> None:
    assert [(row.service, row.role, row.ok) for row in statuses(ALONE)] == [
        ("postgresql-0", "primary", True),
        ("pgbouncer", "pool", True),
    ]
