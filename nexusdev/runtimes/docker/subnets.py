"""Chooses a /24 for an instance's network that overlaps no route of the host and no other network of the engine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nexusdev.check import Check, failed, good
from nexusdev.errors import PreflightFailed

Network = ipaddress.IPv4Network


def choose_net(slot: int, taken: Iterable[str], routes: Path = Path("/proc/net/route")) -> str:
    """First three octets of a free /24; 10.213.<slot> unless something has it.

    taken  subnets in CIDR notation (engine networks, other instances); those of IPv6 do not matter
    """
    occupied = [*_networks(taken), *host_routes(routes)]
    for candidate in _candidates(slot):
        if not any(candidate.overlaps(each) for each in occupied):
            return str(candidate.network_address).rpartition(".")[0]
    raise PreflightFailed(
        "no free /24 subnet for the instance's network",
        why="all of 10.213.0.0/16, 10.214.0.0/16 and 192.168.0.0/16 overlaps with routes of this host or networks of the engine",
        hint="docker network prune   remove unused networks\n"
        "nexusdev gc --data     remove instances whose project folder is gone, with their data; lists them and asks",
    )


def subnets(networks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and CIDR of each subnet of the networks that the engine lists."""
    for row in networks:
        for config in (row.get("IPAM") or {}).get("Config") or ():
            if config.get("Subnet"):
                yield row["Name"], config["Subnet"]


def check(net: str, project: str, taken: Iterable[tuple[str, str]]) -> Check:
    """The /24 of an instance, against every network of the engine that is not its own."""
    own = Network(f"{net}.0/24")
    for name, text in taken:
        if not name.startswith(f"{project}_") and any(own.overlaps(each) for each in _networks([text])):
            return failed("subnet", f"{own} overlaps {text} of network {name}", fix=f"docker network rm {name}")
    return good("subnet", f"{own}")


def host_routes(table: Path = Path("/proc/net/route")) -> list[Network]:
    """The host's IPv4 routes but the default one; none where the platform has no such file."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    return [network for line in lines if (network := _route(line.split())) is not None]


def _route(fields: list[str]) -> Network | None:
    """One line of /proc/net/route: hexadecimal destination and mask, in the host's (little-endian) order."""
    destination, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
    return Network((destination & mask, mask.bit_count())) if mask else None


def _networks(texts: Iterable[str]) -> list[Network]:
    return [Network(text, strict=False) for text in texts if ":" not in text]


def _candidates(slot: int) -> Iterator[Network]:
    yield Network(f"10.213.{slot}.0/24")
    for prefix, thirds in (("10.213", range(117, 255)), ("10.214", range(255)), ("192.168", range(254, 1, -1))):
        yield from (Network(f"{prefix}.{third}.0/24") for third in thirds)
