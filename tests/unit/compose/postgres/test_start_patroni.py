"""What the entrypoint of a node clears away before Patroni starts, and what it never touches."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[4] / "compose" / "postgres" / "start_patroni.py"
OURS = 7711577645390118941


@dataclass
class Etcd:
    """The keys as a dict. ``turns``: what they become at each further look at the claim."""

    keys: dict[str, str]
    turns: list[dict[str, str]] = field(default_factory=list)
    dropped: bool = False

    def read(self, prefix: str) -> dict[str, str]:
        found = {key: value for key, value in self.keys.items() if key.startswith(prefix)}
        if prefix.startswith("members/") and self.turns:
            self.keys = self.turns.pop(0)
        return found

    def drop_claim(self) -> None:
        self.dropped = True


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, with its paths below a folder of the test's own."""
    monkeypatch.setenv("PATRONI_NAME", "postgresql-0")
    spec = importlib.util.spec_from_file_location("start_patroni", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Any = module
    loaded.DATA, loaded.UNFINISHED, loaded.PATIENCE = tmp_path / "postgresql", tmp_path / "unfinished", 0.3
    return loaded


def write_data(start: Any, identifier: int | None, *, unfinished: bool) -> None:
    (start.DATA / "global").mkdir(parents=True)
    if identifier is not None:
        (start.DATA / "global" / "pg_control").write_bytes(identifier.to_bytes(8, "little") + b"\0" * 100)
    if unfinished:
        start.UNFINISHED.touch()


def member(state: str) -> str:
    return json.dumps({"state": state})


def test_an_empty_volume_is_marked_unfinished(start: Any) -> None:
    assert start.clear_own("") is False
    assert start.UNFINISHED.exists()


@pytest.mark.parametrize("cluster", ["", str(OURS), "42"])
def test_a_used_database_is_never_removed(start: Any, cluster: str) -> None:
    write_data(start, OURS, unfinished=False)
    assert start.clear_own(cluster) is False
    assert start.DATA.exists()


@pytest.mark.parametrize(
    ("identifier", "cluster"),
    [(OURS, ""), (OURS, "42"), (None, "42"), (None, "")],
    ids=["made and not finished", "made beside another cluster", "copied by half", "made by half"],
)
def test_remains_of_an_interrupted_first_start_are_removed(start: Any, identifier: int | None, cluster: str) -> None:
    write_data(start, identifier, unfinished=True)
    assert start.clear_own(cluster) is True
    assert not start.DATA.exists()
    assert start.UNFINISHED.exists()


def test_a_marked_database_of_the_known_cluster_is_complete(start: Any) -> None:
    write_data(start, OURS, unfinished=True)
    assert start.clear_own(str(OURS)) is False
    assert start.DATA.exists()
    assert not start.UNFINISHED.exists()


@pytest.mark.parametrize("keys", [{}, {"initialize": str(OURS)}], ids=["no claim", "a cluster"])
def test_no_open_claim_needs_no_action(start: Any, keys: dict[str, str]) -> None:
    etcd = Etcd(keys)
    start.settle_claim(etcd, True)
    assert not etcd.dropped


def test_an_earlier_claim_of_this_node_is_dropped(start: Any) -> None:
    etcd = Etcd({"initialize": ""})
    start.settle_claim(etcd, True)
    assert etcd.dropped


def test_a_claim_of_this_node_still_listed_in_etcd_is_dropped(start: Any) -> None:
    etcd = Etcd({"initialize": "", "members/postgresql-0": member("initializing new cluster")})
    start.settle_claim(etcd, False)
    assert etcd.dropped


def test_a_bootstrapping_node_is_left_alone(start: Any) -> None:
    etcd = Etcd({"initialize": "", "members/postgresql-1": member("initializing new cluster")})
    start.settle_claim(etcd, False)
    assert not etcd.dropped


def test_a_fresh_claim_is_given_time(start: Any) -> None:
    waiting = {"initialize": "", "members/postgresql-1": member("stopped")}
    working = {"initialize": "", "members/postgresql-1": member("initializing new cluster")}
    etcd = Etcd(waiting, turns=[working])
    start.settle_claim(etcd, False)
    assert not etcd.dropped


def test_an_abandoned_claim_is_dropped_eventually(start: Any) -> None:
    etcd = Etcd({"initialize": "", "members/postgresql-1": member("stopped")})
    start.settle_claim(etcd, False)
    assert etcd.dropped
