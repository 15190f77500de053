"""The leader is woken when that helps, not more often, and never for a replica that does not stream."""

from __future__ import annotations

import pytest

from nexusdev.components.postgres.readiness import Facts, Member
from nexusdev.components.postgres.wakeup import Nudge
from nexusdev.interfaces import InstanceAccess

LEADER = Member(name="postgresql-0", role="leader", state="running")


def facts(*members: Member) -> Facts:
    return Facts(views={"postgresql-0": members})


def replica(state: str, role: str = "replica") -> Member:
    return Member(name="postgresql-1", role=role, state=state)


class Woken(list[str]):
    """Remembers whom it was to wake."""

    def __call__(self, access: InstanceAccess, node: str) -> None:
        self.append(node)


def test_a_streaming_replica_outside_of_the_quorum_triggers_a_wakeup(access: InstanceAccess) -> None:
    woken = Woken()
    Nudge(woken)(access, facts(LEADER, replica("streaming")))
    assert woken == ["postgresql-0"]


@pytest.mark.parametrize(
    "seen",
    [
        facts(),
        facts(replica("streaming")),
        facts(LEADER, replica("creating replica")),
        facts(LEADER, replica("streaming", "quorum_standby")),
    ],
    ids=["nothing", "no leader", "copying", "in the quorum"],
)
def test_other_states_trigger_no_wakeup(access: InstanceAccess, seen: Facts) -> None:
    woken = Woken()
    Nudge(woken)(access, seen)
    assert woken == []


def test_frequent_probes_wake_it_once(access: InstanceAccess) -> None:
    woken = Woken()
    nudges = Nudge(woken)
    for _ in range(5):
        nudges(access, facts(LEADER, replica("streaming")))
    assert woken == ["postgresql-0"]
