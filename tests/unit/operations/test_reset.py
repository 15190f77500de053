"""reset: back to the seeded baseline, all or nothing to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from nexusdev.components.baseline import Baseline
from nexusdev.components.contract import Change
from nexusdev.errors import Degraded, InvalidState, Locked, NotFound, SeedingFailed, UsageError
from nexusdev.instance import interruptions
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.down import down
from nexusdev.operations.lifecycle import restart, stop
from nexusdev.operations.reset import question, reset
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House, shown


@dataclass(kw_only=True)
class ComponentWithData(FakeComponent):
    """A component with data. ``data``: what an application wrote; ``failure``: raised instead of a reset."""

    data: list[str] = field(default_factory=list)
    clients: Sequence[str] = ()
    failure: BaseException | None = None
    fingerprints: list[str] = field(default_factory=list)

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        del access
        return self.clients

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        del access
        if self.failure:
            raise self.failure
        self.fingerprints.append(baseline.fingerprint)
        self.data.clear()
        baseline.seed()
        return (Change(what="removed everything"),)


@pytest.fixture(autouse=True)
def _state_of_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are typed find the state where the house has it."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(house.folder / "state"))


@pytest.fixture
def store(house: House) -> ComponentWithData:
    """The house's Redis, which has data of an application."""
    made = ComponentWithData(name="redis", data=["mine"])
    house.redis = made
    up(house.context())
    return made


def test_the_data_is_removed_and_seeded_again(house: House, store: ComponentWithData) -> None:
    seeded = store.calls.count("seed")
    result = reset(house.context())
    assert store.data == []
    assert result.changes == {"redis": ("removed everything",)}
    assert "redis at the seeded baseline" in str(shown(result).output)
    assert store.calls.count("seed") == seeded + 1


def test_no_container_is_restarted(house: House, store: ComponentWithData) -> None:
    before = list(house.engine.done)
    reset(house.context())
    assert house.engine.done == before


def test_the_hash_of_the_baseline_changes_with_the_seed_files(house: House, store: ComponentWithData) -> None:
    reset(house.context())
    file = house.project / "seed" / "redis" / "first.redis"
    file.parent.mkdir(parents=True)
    file.write_text("SET a 1\n")
    reset(house.context())
    reset(house.context())
    first, second, third = store.fingerprints
    assert first != second == third


def test_it_is_refused_while_a_client_is_connected(house: House, store: ComponentWithData) -> None:
    store.clients = ("nexus_app from 127.0.0.1",)
    with pytest.raises(Locked, match="1 client of your own is connected") as refused:
        reset(house.context())
    assert refused.value.code == "CLIENTS_CONNECTED"
    assert refused.value.evidence == ("redis: nexus_app from 127.0.0.1",)
    assert store.data == ["mine"]
    reset(house.context(), force=True)
    assert store.data == []


def test_it_is_refused_while_a_component_is_not_ready(house: House, store: ComponentWithData) -> None:
    store.sentences = ["one of 3 replicas"]
    with pytest.raises(Degraded, match="nothing was reset: redis is not ready"):
        reset(house.context())
    assert store.data == ["mine"]


def test_a_component_without_data_cannot_be_reset(house: House, store: ComponentWithData) -> None:
    with pytest.raises(UsageError, match="gateway has no data to reset"):
        reset(house.context(), ["gateway"])


def test_an_unknown_component_is_named(house: House, store: ComponentWithData) -> None:
    with pytest.raises(UsageError, match="unknown component reddis"):
        reset(house.context(), ["reddis"])


def test_a_stopped_instance_cannot_be_reset(house: House, store: ComponentWithData) -> None:
    stop(house.context())
    with pytest.raises(NotFound, match="the stack is not running"):
        reset(house.context())


@pytest.mark.parametrize("failure", [SeedingFailed("seed/redis/a.redis failed"), KeyboardInterrupt()])
def test_after_an_interruption_the_next_command_says_what_to_do(
    house: House, store: ComponentWithData, failure: BaseException
) -> None:
    store.failure = failure
    with pytest.raises(type(failure)):
        reset(house.context())
    for command in (up, seed, restart):
        with pytest.raises(InvalidState, match="the reset of redis was interrupted") as refused:
            command(house.context())
        assert refused.value.code == "RESET_INTERRUPTED"
    store.failure = None
    reset(house.context())
    assert (store.data, interruptions.read(house.folder / "state" / "instances" / "shop")) == ([], None)
    assert not up(house.context()).changed


def test_an_interrupted_instance_can_be_taken_down(house: House, store: ComponentWithData) -> None:
    store.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        reset(house.context())
    assert down(house.context()).changed


def test_a_reset_of_some_components_finishes_those_that_were_interrupted(
    house: House, store: ComponentWithData
) -> None:
    folder = house.folder / "state" / "instances" / "shop"
    interruptions.begin(folder, interruptions.UnfinishedChange(kind="reset", components=("redis",)))
    reset(house.context(), ["redis"])
    assert interruptions.read(folder) is None


def test_it_asks_before(house: House, store: ComponentWithData) -> None:
    assert question(house.context(), ["redis"]) == "reset shop: replace the data of redis by the seeds?"
    typed = house.type("reset")
    assert (typed.status, store.data) == (13, ["mine"])
    assert house.type("reset", "--yes").status == 0
    assert store.data == []
