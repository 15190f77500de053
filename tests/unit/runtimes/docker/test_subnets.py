"""The subnet: next to everything that routes somewhere already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.subnets import check, choose_net, host_routes, subnets
from nexusdev.runtimes.memory.engine import FakeNetwork
from nexusdev.runtimes.memory.provider import MemoryProvider

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def routes(tmp_path: Path, *rows: tuple[str, str]) -> Path:
    file = tmp_path / "route"
    file.write_text(HEADER + "".join(f"eth0\t{where}\t0\t0001\t0\t0\t0\t{mask}\t0\t0\t0\n" for where, mask in rows))
    return file


def test_the_slot_is_the_third_octet_by_default(tmp_path: Path) -> None:
    assert choose_net(7, (), routes(tmp_path, ("00000000", "00000000"))) == "10.213.7"


def test_an_engine_network_is_avoided(tmp_path: Path) -> None:
    assert choose_net(7, ["10.213.7.128/25", "fd00::/64"], routes(tmp_path)) == "10.213.117"


def test_a_route_of_a_vpn_is_avoided(tmp_path: Path) -> None:
    """10.213.0.0/16 by way of a tunnel."""
    assert choose_net(0, (), routes(tmp_path, ("0000D50A", "0000FFFF"))) == "10.214.0"


def test_another_range_is_used_if_ten_is_routed(tmp_path: Path) -> None:
    assert choose_net(0, (), routes(tmp_path, ("0000000A", "000000FF"))) == "192.168.254"


def test_without_a_free_subnet_the_error_names_routes_and_setting(tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed, match="no free /24 subnet") as caught:
        choose_net(0, ["10.0.0.0/8", "192.168.0.0/16"], routes(tmp_path))
    assert "network 10.0.0.0/8 of the engine; network 192.168.0.0/16 of the engine" in caught.value.why
    assert caught.value.hint.startswith("NEXUSDEV_SUBNET=")


HALVES = (("00000000", "00000080"), ("00000080", "00000080"))
PRIVATE = (("0000000A", "000000FF"), ("000010AC", "0000F0FF"), ("0000A8C0", "0000FFFF"))


def test_two_half_ranges_are_a_default_route(tmp_path: Path) -> None:
    assert choose_net(7, (), routes(tmp_path, *HALVES)) == "10.213.7"
    assert check("10.213.7", "nexusdev-shop", (), routes(tmp_path, *HALVES)).verdict == "ok"


def test_a_more_specific_subnet_is_used_with_a_warning_if_all_private_ranges_are_routed(tmp_path: Path) -> None:
    table = routes(tmp_path, *PRIVATE)
    assert choose_net(7, ["10.213.7.0/24"], table) == "10.213.117"
    found = check("10.213.117", "nexusdev-shop", (), table)
    assert found.verdict == "warning"
    assert "10.213.117.0/24 is part of route 10.0.0.0/8 via eth0" in found.evidence
    assert "NEXUSDEV_SUBNET=" in found.fix


def test_a_narrow_route_is_always_avoided(tmp_path: Path) -> None:
    table = routes(tmp_path, *PRIVATE, ("0007D50A", "00FFFFFF"))
    assert choose_net(7, (), table) == "10.213.117"
    found = check("10.213.7", "nexusdev-shop", (), table)
    assert (found.verdict, found.evidence) == ("failed", "10.213.7.0/24 overlaps route 10.213.7.0/24 via eth0")


def test_the_route_of_an_own_network_is_ignored(tmp_path: Path) -> None:
    table = routes(tmp_path, ("0007D50A", "00FFFFFF"))
    assert check("10.213.7", "nexusdev-shop", [("nexusdev-shop_nexus", "10.213.7.0/24")], table).verdict == "ok"


def test_the_setting_chooses_the_range(tmp_path: Path) -> None:
    table = routes(tmp_path)
    assert choose_net(7, ["172.30.0.0/24"], table, pool="172.30.0.0/16") == "172.30.1"
    assert check("10.213.7", "nexusdev-shop", (), table, pool="172.30.0.0/16").verdict == "failed"
    assert check("172.30.1", "nexusdev-shop", (), table, pool="172.30.0.0/16").verdict == "ok"
    with pytest.raises(PreflightFailed, match="no free /24 subnet"):
        choose_net(7, ["172.30.5.0/24"], table, pool="172.30.5.0/24")


def test_a_platform_without_a_route_table_has_no_routes(tmp_path: Path) -> None:
    assert host_routes(tmp_path / "none") == []


def test_only_overlaps_with_foreign_networks_are_reported() -> None:
    other = check("10.213.7", "nexusdev-shop", [("a", "10.1.0.0/16"), ("six", "fd00::/64"), ("wide", "10.213.0.0/16")])
    assert other.verdict == "failed"
    assert other.fix.startswith("nexusdev up ")
    assert other.evidence == "10.213.7.0/24 overlaps 10.213.0.0/16 of network wide"
    assert check("10.213.7", "nexusdev-shop", [("nexusdev-shop_nexus", "10.213.7.0/24")]).verdict == "ok"


def test_every_subnet_of_every_network_is_read() -> None:
    networks: list[dict[str, Any]] = [
        {"Name": "two", "IPAM": {"Config": [{"Subnet": "10.1.0.0/16"}, {"Subnet": "fd00::/64"}]}},
        {"Name": "host", "IPAM": {"Config": None}},
        {"Name": "none"},
    ]
    assert list(subnets(networks)) == [("two", "10.1.0.0/16"), ("two", "fd00::/64")]


def test_a_new_instance_avoids_the_networks_of_the_engine_and_of_other_instances() -> None:
    provider = MemoryProvider()
    provider.engine.networks["wide"] = FakeNetwork(id="w", name="wide", subnet="10.213.7.0/24")
    assert provider.placement(8, []) == "10.213.8"
    assert provider.placement(7, []) == "10.213.117"
    assert provider.placement(7, ["10.213.117"]) == "10.213.118"
