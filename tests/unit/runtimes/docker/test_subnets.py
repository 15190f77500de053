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


def test_the_slot_is_the_third_octet_when_nothing_is_in_the_way(tmp_path: Path) -> None:
    assert choose_net(7, (), routes(tmp_path, ("00000000", "00000000"))) == "10.213.7"


def test_an_engine_network_is_avoided(tmp_path: Path) -> None:
    assert choose_net(7, ["10.213.7.128/25", "fd00::/64"], routes(tmp_path)) == "10.213.117"


def test_a_route_of_a_vpn_is_avoided(tmp_path: Path) -> None:
    """10.213.0.0/16 by way of a tunnel."""
    assert choose_net(0, (), routes(tmp_path, ("0000D50A", "0000FFFF"))) == "10.214.0"


def test_where_everything_of_ten_is_routed_another_range_is_used(tmp_path: Path) -> None:
    assert choose_net(0, (), routes(tmp_path, ("0000000A", "000000FF"))) == "192.168.254"


def test_where_nothing_is_free_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed, match="no free /24 subnet"):
        choose_net(0, ["10.0.0.0/8", "192.168.0.0/16"], routes(tmp_path))


def test_a_platform_without_a_route_table_has_no_routes(tmp_path: Path) -> None:
    assert host_routes(tmp_path / "none") == []


def test_an_overlap_with_a_network_of_others_is_named_and_with_an_own_one_is_none() -> None:
    other = check("10.213.7", "nexusdev-shop", [("a", "10.1.0.0/16"), ("six", "fd00::/64"), ("wide", "10.213.0.0/16")])
    assert (other.verdict, other.fix) == ("failed", "docker network rm wide")
    assert other.evidence == "10.213.7.0/24 overlaps 10.213.0.0/16 of network wide"
    assert check("10.213.7", "nexusdev-shop", [("nexusdev-shop_nexus", "10.213.7.0/24")]).verdict == "ok"


def test_each_subnet_of_each_network_is_read_and_networks_without_any_are_passed_over() -> None:
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
