"""up --profile: what comes up, what goes, what is remembered, and what no later command misses."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig, UsageError
from nexusdev.operations.down import down
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from tests.fakes import COMPOSE, FakeComponent, House, shown

# A component beside the others that a profile leaves out.
WATCHED = COMPOSE.replace(
    "secrets:",
    """  prometheus:
    image: ${NEXUS_IMAGE_REDIS}
    x-nexusdev: {component: monitoring}
    entrypoint: [serve]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.70"}}
    restart: unless-stopped
x-nexusdev: {profiles: {core: {without: [monitoring]}}}
secrets:""",
)
FLAG = {"profile": "core", "origins": {"profile": "--profile"}}
FILE = {"profile": "core", "origins": {"profile": "nexusdev.toml:1"}}


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(folder=tmp_path, more=(FakeComponent(name="monitoring"),))
    (tmp_path / "compose" / "stack.yaml").write_text(WATCHED)
    return made


def services(house: House) -> set[str]:
    return {cell.service for cell in house.engine.containers.values()}


CORE = {"redis-0", "redis-1", "gateway-rw"}


def test_a_profile_starts_only_its_components(house: House) -> None:
    outcome = up(house.context(**FLAG))
    assert services(house) == CORE
    assert (shown(outcome).data["profile"], shown(outcome).data["ready"]) == ("core", ["redis", "gateway"])


def test_a_later_plain_up_keeps_the_profile(house: House) -> None:
    up(house.context(**FLAG))
    again = up(house.context())
    assert (shown(again).data["changed"], shown(again).data["profile"]) == (False, "core")
    seen = status(house.context(), check=True)
    assert (shown(seen).data["ready"], seen.error) == (True, None)
    assert "monitoring" not in [each["name"] for each in shown(seen).data["components"]]


def test_up_without_arguments_starts_everything(house: House) -> None:
    assert shown(up(house.context())).data["profile"] == "full"
    assert services(house) == {*CORE, "prometheus"}


def test_full_starts_the_components_that_core_left_out(house: House) -> None:
    up(house.context(**FLAG))
    up(house.context(profile="full", origins={"profile": "--profile"}))
    assert "prometheus" in services(house)
    assert shown(up(house.context())).data["profile"] == "full"


@pytest.mark.parametrize("given", [FLAG, FILE], ids=["flag", "file"])
def test_a_narrower_profile_removes_excluded_services_with_a_reason(house: House, given: dict[str, object]) -> None:
    up(house.context())
    steps = shown(dry_run(house.context(**given))).data["steps"]
    assert steps == [{"act": "remove", "subject": "prometheus", "because": "profile core does not include monitoring"}]
    up(house.context(**given))
    assert services(house) == CORE
    assert status(house.context(), check=True).error is None


def test_a_narrower_profile_after_down_forgets_excluded_components(house: House) -> None:
    up(house.context())
    down(house.context())
    up(house.context(**FLAG))
    assert [each["name"] for each in shown(status(house.context())).data["components"]] == ["redis", "gateway"]


@pytest.mark.parametrize("given", [{}, FILE], ids=["remembered", "file"])
def test_a_remembered_profile_keeps_components_started_by_name(house: House, given: dict[str, object]) -> None:
    up(house.context(**FLAG))
    up(house.context(**given), ["monitoring"])
    up(house.context(**given))
    assert "prometheus" in services(house)
    assert "monitoring" in [each["name"] for each in shown(status(house.context())).data["components"]]


def test_a_profile_is_remembered_even_if_nothing_changes(house: House) -> None:
    up(house.context(), ["redis"])
    assert shown(up(house.context(**FLAG))).data["changed"] is False
    assert shown(up(house.context())).data["profile"] == "core"


def test_names_and_a_profile_are_mutually_exclusive(house: House) -> None:
    with pytest.raises(UsageError, match="redis and core"):
        up(house.context(**FLAG), ["redis"])
    assert shown(up(house.context(**FILE), ["redis"])).data["ready"] == ["redis", "gateway"]


def test_an_unknown_profile_suggests_the_nearest_with_its_origin(house: House) -> None:
    with pytest.raises(UsageError, match="unknown profile cor") as typed:
        up(house.context(profile="cor", origins={"profile": "--profile"}))
    assert (typed.value.why, typed.value.hint) == ("did you mean core?", "nexusdev up --profile core")
    with pytest.raises(InvalidConfig, match=r"NEXUSDEV_PROFILE: unknown profile lite") as set_:
        up(house.context(profile="lite", origins={"profile": "NEXUSDEV_PROFILE"}))
    assert set_.value.why == "known: full, core"


def test_a_removed_remembered_profile_means_everything(house: House) -> None:
    up(house.context(**FLAG))
    (house.folder / "compose" / "stack.yaml").write_text(WATCHED.replace("core:", "base:"))
    assert shown(up(house.context())).data["profile"] == "full"
