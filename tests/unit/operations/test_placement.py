"""A subnet or ports that somebody else has: another one is taken, and an ``up`` that fails before it begins changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.env import stored
from nexusdev.errors import ImageUnavailable, PreflightFailed
from nexusdev.events import Note
from nexusdev.operations.doctor import examine
from nexusdev.operations.down import down
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.env import env
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.checks import rights
from nexusdev.runtimes.docker.plan.steps import Action
from nexusdev.runtimes.memory.engine import FakeNetwork
from nexusdev.runtimes.memory.provider import FACTS
from tests.fakes import House

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


@pytest.fixture
def displaced(house: House) -> House:
    """An instance that is down, and whose subnet another network has taken."""
    up(house.context())
    down(house.context())
    subnet = f"{house.record.net}.0/24"
    house.engine.networks["other"] = FakeNetwork(id="other", name="other", subnet=subnet)
    house.heard.events.clear()
    return house


def told(house: House) -> str:
    return "\n".join(each.text for each in house.heard.of(Note))


def test_another_subnet_is_used_and_data_is_kept(displaced: House) -> None:
    before, volumes = displaced.record, set(displaced.engine.volumes)
    up(displaced.context())
    after = displaced.record
    assert after.net != before.net
    assert (after.slot, after.nonce) == (before.slot, before.nonce)
    assert set(displaced.engine.volumes) == volumes
    networks = {each.name: each.subnet for each in displaced.engine.networks.values()}
    assert networks["nexusdev-shop_nexus"] == f"{after.net}.0/24"
    assert f"{before.net}.0/24 overlaps {before.net}.0/24 of network other" in told(displaced)
    assert f"moves to {after.net}.0/24" in told(displaced)


def test_dry_run_and_doctor_report_it_without_changes(displaced: House) -> None:
    before = displaced.record
    dry_run(displaced.context())
    assert "the instance moves to" in told(displaced)
    assert displaced.record == before
    (check,) = [each for each in examine(displaced.context()) if each.name == "subnet"]
    assert check.verdict == "failed"
    assert check.fix.startswith("nexusdev up ")


def test_a_failed_preflight_keeps_subnet_ports_and_variables(displaced: House) -> None:
    before = displaced.record
    displaced.engine.clock_skew = 7200.0
    with pytest.raises(PreflightFailed, match="the clocks"):
        up(displaced.context(), move_ports=True)
    assert displaced.record == before
    assert env(displaced.context(), proof=False).text


def files(house: House) -> dict[str, bytes]:
    folder = house.folder / "state" / "instances" / house.name
    return {name: (folder / name).read_bytes() for name in ("instance.json", "compose.env", stored.FILE)}


def test_a_missing_image_keeps_ports_and_variables(house: House) -> None:
    up(house.context())
    before = files(house)
    house.lose_image("redis")
    with pytest.raises(ImageUnavailable):
        up(house.context(offline=True), move_ports=True)
    assert files(house) == before
    assert env(house.context(), proof=False).text


def test_a_failed_step_keeps_published_ports_for_the_next_up(house: House) -> None:
    up(house.context())
    down(house.context())
    before = house.record
    house.engine.failures[Action.CREATE, "redis-0"] = PreflightFailed("the engine is full")
    with pytest.raises(PreflightFailed):
        up(house.context(), move_ports=True)
    moved = house.record
    assert moved.slot != before.slot
    house.engine.failures.clear()
    up(house.context())
    assert house.record == moved
    assert env(house.context(), proof=False).text


def test_a_block_claimed_by_another_user_is_skipped(house: House) -> None:
    house.claimed_blocks = {0, 1}
    up(house.context())
    assert house.record.slot == 2
    house.claimed_blocks = {3}
    up(house.context(), move_ports=True)
    assert house.record.slot == 0


def test_moved_ports_are_kept_after_a_successful_up(house: House) -> None:
    up(house.context())
    before = house.record
    up(house.context(), move_ports=True)
    assert house.record.slot != before.slot


def test_doctor_and_dry_run_report_that_no_subnet_is_free(house: House, tmp_path: Path) -> None:
    house.engine.networks["all"] = FakeNetwork(id="all", name="all", subnet="10.0.0.0/8")
    house.engine.networks["rest"] = FakeNetwork(id="rest", name="rest", subnet="192.168.0.0/16")
    (check,) = [each for each in examine(house.context()) if each.name == "subnet"]
    assert check.verdict == "failed"
    assert check.fix.startswith("NEXUSDEV_SUBNET=")
    for act in (dry_run, up):
        with pytest.raises(PreflightFailed) as caught:
            act(house.context())
        assert caught.value.code == "NO_SUBNET"
    up(house.context(subnet="172.30.0.0/16"))
    assert house.record.net == "172.30.0"


def test_a_vpn_that_routes_every_private_address_is_a_warning_with_its_interface(house: House, tmp_path: Path) -> None:
    house.provider.routes = tmp_path / "route"
    rows = (("0000000A", "000000FF"), ("0000A8C0", "0000FFFF"))
    lines = [f"tun0\t{where}\t0\t0001\t0\t0\t0\t{mask}\t0\t0\t0\n" for where, mask in rows]
    house.provider.routes.write_text(HEADER + "".join(lines))
    up(house.context())
    assert "is part of route 10.0.0.0/8 via tun0" in told(house)


def test_user_namespace_remapping_is_refused_first_and_reported_by_doctor(house: House) -> None:
    house.provider.engine_facts = replace(FACTS, maps_users=True)
    with pytest.raises(PreflightFailed) as caught:
        up(house.context())
    assert caught.value.code == "USERNS_REMAP"
    assert not (house.folder / "state" / "instances").exists()
    check = rights(house.provider.engine_facts)
    assert (check.verdict, "userns-remap" in check.evidence, check.fix) == (
        "failed",
        True,
        "sudoedit /etc/docker/daemon.json",
    )
    assert rights(FACTS).verdict == "ok"


def test_newly_enabled_user_remapping_is_named_before_hidden_volumes(house: House) -> None:
    up(house.context())
    down(house.context())
    house.engine.volumes.clear()
    house.provider.engine_facts = replace(FACTS, maps_users=True)
    with pytest.raises(PreflightFailed) as caught:
        up(house.context())
    assert caught.value.code == "USERNS_REMAP"
