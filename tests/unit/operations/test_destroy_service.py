"""destroy SERVICE: one server's container and data, and why somebody would: its data is corrupt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexusdev.components.capabilities import Diagnosis
from nexusdev.errors import CrashedDuringStart, NotFound, TeardownIncomplete, UsageError
from nexusdev.operations.destroy_service import discard, question
from nexusdev.operations.up import up
from nexusdev.operations.wait import wait
from tests.fakes import COMPOSE, FakeComponent, House, shown

STACK = COMPOSE.replace("redis-1: {}}", "redis-1: {}, numbers-0: {}, numbers-1: {}}").replace(
    "secrets:",
    """  prometheus-0: &prometheus
    image: ${NEXUS_IMAGE_REDIS}
    x-nexusdev: {component: monitoring, group: prometheus, ordinal: 0}
    entrypoint: [serve]
    volumes: ["numbers-0:/data"]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.70"}}
  prometheus-1:
    image: ${NEXUS_IMAGE_REDIS}
    x-nexusdev: {component: monitoring, group: prometheus, ordinal: 1}
    entrypoint: [serve]
    volumes: ["numbers-1:/data"]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.71"}}
secrets:""".replace(" &prometheus\n", "\n"),
)


@dataclass(kw_only=True)
class FakeWatcher(FakeComponent):
    """Monitoring whose servers may lose their data."""

    def data_loss(self, service: str) -> str:
        return "its history"

    def explain(self, service: str, log: Sequence[str]) -> Diagnosis | None:
        if "corrupt" not in "".join(log):
            return None
        return Diagnosis(why="its data is corrupt", hint=f"nexusdev destroy {service}", code="DATA_CORRUPT")


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(folder=tmp_path, more=(FakeWatcher(name="monitoring"),))
    (tmp_path / "compose" / "stack.yaml").write_text(STACK)
    return made


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def there(house: House) -> tuple[set[str], set[str]]:
    observation = house.context().runtime().observe()
    return set(observation.services), set(observation.volumes)


def test_destroying_a_service_removes_only_its_container_and_volume(running: House) -> None:
    containers, volumes = there(running)
    outcome = discard(running.context(), ["prometheus-0"])
    assert there(running) == (containers - {"prometheus-0"}, volumes - {"numbers-0"})
    assert shown(outcome).data["removed"] == {"containers": ["prometheus-0"], "networks": [], "volumes": ["numbers-0"]}
    assert shown(outcome).output == (
        "destroyed: container prometheus-0 and volume numbers-0 with all its data; nexusdev up recreates it",
    )


def test_up_recreates_it_and_destroying_is_idempotent(running: House) -> None:
    before = there(running)
    discard(running.context(), ["prometheus-0"])
    assert shown(discard(running.context(), ["prometheus-0"])).output == (
        "nothing to do: its container and volume do not exist",
    )
    assert question(running.context(), ["prometheus-0"]) is None
    up(running.context())
    assert there(running) == before


def test_the_confirmation_lists_everything_removed_and_the_data_loss(running: House) -> None:
    assert question(running.context(), ["prometheus-0", "prometheus-1"]) == (
        "destroy container prometheus-0, container prometheus-1, volume numbers-0 with all its data "
        "and volume numbers-1 with all its data (prometheus-0 loses its history; prometheus-1 loses its history)?"
    )


def test_data_needed_by_others_is_not_destroyed_alone(running: House) -> None:
    with pytest.raises(UsageError, match="the data of redis-0 cannot be destroyed on its own") as raised:
        discard(running.context(), ["prometheus-0", "redis-0"])
    assert raised.value.evidence == ("can be destroyed on their own: prometheus-0, prometheus-1",)
    assert "prometheus-0" in there(running)[0], "nothing went"


def test_an_unknown_name_suggests_the_nearest(running: House) -> None:
    with pytest.raises(UsageError, match="unknown service promeths-1") as raised:
        question(running.context(), ["promeths-1"])
    assert raised.value.hint == "nexusdev destroy prometheus-1"


def test_destroying_a_service_without_an_instance_raises_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        question(house.context(), ["prometheus-0"])


def test_remaining_resources_are_reported(running: House) -> None:
    class Stubborn(type(running.engine.volumes)):  # type: ignore[misc]
        def pop(self, key: str, default: object = None) -> object:
            return default

        def __delitem__(self, key: str) -> None: ...

    running.engine.volumes = Stubborn(running.engine.volumes)
    with pytest.raises(TeardownIncomplete) as raised:
        discard(running.context(), ["prometheus-0"])
    assert raised.value.evidence == ("remove volume numbers-0",)
    assert "nexusdev destroy prometheus-0" in raised.value.hint


def test_corrupt_data_is_reported_with_its_log_and_a_command(running: House) -> None:
    running.engine.say(running.container("prometheus-0"), "storage: corrupt index")
    running.engine.kill(running.container("prometheus-0"))
    running.engine.crashes["prometheus-0"] = 1
    with pytest.raises(CrashedDuringStart) as raised:
        up(running.context())
    error = raised.value
    assert (error.why, error.hint) == ("its data is corrupt", "nexusdev destroy prometheus-0")
    assert (error.code, error.exit_status) == ("DATA_CORRUPT", 10)
    assert error.evidence[-1] == "storage: corrupt index"


def test_wait_reports_corrupt_data_too(running: House) -> None:
    def crash(_: object) -> None:
        running.engine.say(running.container("prometheus-0"), "corrupt")
        running.engine.kill(running.container("prometheus-0"))
        running.more[0].on_look = lambda _: None

    running.more[0].on_look = crash
    with pytest.raises(CrashedDuringStart) as raised:
        wait(running.context(timeout=1e6), "monitoring", "ready")
    assert raised.value.code == "DATA_CORRUPT"
