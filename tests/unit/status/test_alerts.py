"""The alerts in ``status``: by component, without waiting for who does not answer, and nothing of them where nobody watches."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.capabilities import Alarms, Alert
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House, shown
from tests.unit.deploy.test_selection import FLAG, WATCHED

REPLICA = Alert(
    name="RedisReplicaDown",
    component="redis",
    severity="warning",
    instance="redis-1",
    summary="redis-1 does not follow",
    runbook="docs/runbooks.md#redisreplicadown",
)


@dataclass(kw_only=True)
class FakeWatcher(FakeComponent):
    """Monitoring that says what it is told to say."""

    told: Alarms = field(default_factory=Alarms)
    hangs: threading.Event = field(default_factory=threading.Event)

    def alarms(self, access: InstanceAccess) -> Alarms:
        self.calls.append("alarms")
        if self.told.trouble == "hang":
            self.hangs.wait(30)
        return self.told

    def coverage(self, facts: Any) -> Mapping[str, float]:
        return {"services": 4, "scraped": 3, "coverage": 0.75}


@pytest.fixture
def watcher() -> FakeWatcher:
    return FakeWatcher(name="monitoring")


@pytest.fixture
def house(tmp_path: Path, watcher: FakeWatcher) -> House:
    made = House(folder=tmp_path, more=(watcher,))
    (tmp_path / "compose" / "stack.yaml").write_text(WATCHED)
    return made


def test_firing_alerts_do_not_affect_readiness(house: House, watcher: FakeWatcher) -> None:
    up(house.context())
    watcher.told = Alarms(alerts=(REPLICA,))
    outcome = status(house.context(), check=True)
    assert outcome.error is None
    [alert] = shown(outcome).data["alerts"]
    assert (alert["name"], alert["component"], alert["runbook"]) == ("RedisReplicaDown", "redis", REPLICA.runbook)
    assert shown(outcome).data["monitoring"] == {"services": 4, "scraped": 3, "coverage": 0.75}


def test_alerts_are_shown_by_component_below_the_nodes(house: House, watcher: FakeWatcher) -> None:
    up(house.context())
    # in memory a second passes until the status asks for the time
    second = Alert(name="RedisEvicts", component="redis", severity="info", since=house.engine.now - 89)
    other = Alert(name="OddThing", component="elsewhere", severity="critical")
    watcher.told = Alarms(alerts=(other, REPLICA, second))
    table = shown(status(house.context())).output[-1]
    assert [(str(head), str(cell).split("\n")[0]) for head, cell in table.rows] == [  # type: ignore[union-attr]
        ("redis", "RedisReplicaDown: warning, redis-1"),
        ("", "RedisEvicts: info, for 1 min 30 s"),
        ("elsewhere", "OddThing: critical"),
    ]
    assert str(table.rows[0][1]).split("\n")[1:] == ["  redis-1 does not follow", "  docs/runbooks.md#redisreplicadown"]  # type: ignore[union-attr]


def test_no_alerts_print_nothing(house: House) -> None:
    up(house.context())
    outcome = status(house.context())
    assert str(shown(outcome).output[-1]).startswith("ready: ")
    assert shown(outcome).data["alerts"] == []


def test_alerts_are_not_requested_without_monitoring(house: House, watcher: FakeWatcher) -> None:
    up(house.context(**FLAG))
    outcome = status(house.context())
    assert (shown(outcome).data["alerts"], shown(outcome).data["monitoring"], outcome.warnings) == ([], None, ())
    assert "alarms" not in watcher.calls


def test_stopped_monitoring_is_not_asked(house: House, watcher: FakeWatcher) -> None:
    up(house.context())
    house.engine.end(house.container("prometheus"))
    outcome = status(house.context())
    assert (shown(outcome).data["monitoring"], "alarms" in watcher.calls) == (None, False)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [("alertmanager does not answer", "alertmanager does not answer"), ("hang", "monitoring timed out")],
)
def test_slow_monitoring_is_not_waited_for(house: House, watcher: FakeWatcher, trouble: str, said: str) -> None:
    up(house.context())
    watcher.told = Alarms(trouble=trouble)
    outcome = status(house.context())
    watcher.hangs.set()
    assert outcome.warnings == (f"firing alerts are unknown: {said}",)
    assert shown(outcome).data["alerts"] == []
