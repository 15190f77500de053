"""Vault's readiness: every day, good and bad, is one row."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.components.vault import probe, readiness, status
from nexusdev.components.vault.readiness import Facts, VaultServer
from tests.unit.components.vault.world import NODES, UNSEALER, World


def server(name: str, what: str) -> VaultServer:
    """down, new, sealed, standby or active."""
    return VaultServer(
        name=name,
        answers=what != "down",
        initialized=what not in ("down", "new"),
        sealed=what in ("down", "new", "sealed"),
        active=what == "active",
    )


def facts(nodes: str, *, unseal: str = "active", routed: bool = True, tolerance: int | None = 1) -> Facts:
    return Facts(
        unseal=server(UNSEALER, unseal),
        nodes=tuple(server(name, what) for name, what in zip(NODES, nodes.split(), strict=True)),
        routed=routed,
        tolerance=tolerance,
    )


GOOD = "active standby standby"
ROWS = [
    (facts(GOOD), "", True),
    (facts("down down down", unseal="down", routed=False), "vault-unseal does not answer yet", False),
    (facts("down down down", unseal="new", routed=False), "vault-unseal is not initialized yet", False),
    (facts("down down down", unseal="sealed", routed=False), "vault-unseal is sealed", False),
    (facts(GOOD, unseal="down"), "vault-unseal does not answer yet", True),
    (facts("down down down", routed=False), "vault-0, vault-1 and vault-2 do not answer yet", False),
    (facts("new new down", routed=False), "vault-2 does not answer yet", False),
    (facts("new new new", routed=False), "none of the nodes is initialized yet", False),
    (facts("active new sealed"), "vault-2 is sealed", True),
    (facts("active sealed sealed"), "vault-1 and vault-2 are sealed", True),
    (facts("active new new"), "vault-1 and vault-2 have not joined yet", True),
    (facts("active standby new"), "vault-2 has not joined yet", True),
    (facts("standby standby standby", routed=False), "no node is active yet", False),
    (facts("active active standby"), "more than one node is active: vault-0 and vault-1", False),
    (facts("standby active standby", routed=False), "vault-active does not route to vault-1 yet", False),
    (facts(GOOD, tolerance=None), "the active node does not report its voters yet", True),
    (
        facts(GOOD, tolerance=0),
        "not all nodes vote yet: a new node votes after it was healthy for some seconds",
        True,
    ),
    (replace(facts(GOOD), cut=True), "an interrupted initialization is not finished yet", False),
]


@pytest.mark.parametrize(("seen", "missing", "seedable"), ROWS, ids=[row[1] or "ready" for row in ROWS])
def test_readiness_follows_from_the_facts(seen: Facts, missing: str, seedable: bool) -> None:
    verdict = readiness.assess(seen)
    assert (verdict.missing, verdict.seedable) == (missing, seedable)


def test_status_rows_name_the_active_node_and_the_voters() -> None:
    rows = [
        (row.service, row.role, row.state, row.detail, row.ok) for row in status.statuses(facts("standby active down"))
    ]
    assert rows == [
        ("vault-0", "standby", "unsealed", "", True),
        ("vault-1", "active", "unsealed", "all nodes vote", True),
        ("vault-2", "", "down", "", False),
        ("vault-unseal", "seal", "unsealed", "", True),
    ]


def test_an_unrelated_reply_counts_as_no_answer() -> None:
    world = World()
    world.answer = lambda query: (200, "<html>hello</html>")  # type: ignore[method-assign]
    assert probe.probe(world, world.access).unseal == VaultServer(name=UNSEALER)


def test_voters_are_read_from_the_metrics_of_the_active_node() -> None:
    world = World()
    world.up()
    assert probe.probe(world, world.access).tolerance == 1
    assert world.vault.probe(world.access).active == VaultServer(
        name="vault-0", answers=True, initialized=True, sealed=False, active=True
    )
