"""Chooses a /24 for an instance's network that overlaps no route of the host and no other network of the engine.

A route that covers a large part of all private addresses, such as a VPN's, is accepted if nothing else is free: the instance's /24 is
more specific, so that only the VPN's own hosts in that /24 become unreachable from here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from nexusdev.check import Check, failed, good, warning
from nexusdev.errors import PreflightFailed

Subnet = ipaddress.IPv4Network

ROUTES = Path("/proc/net/route")
#: Shorter prefixes are default routes: OpenVPN replaces the default route by 0.0.0.0/1 and 128.0.0.0/1.
_DEFAULT_ROUTE = 8
#: Routes with this prefix or a shorter one cover whole private ranges.
_WIDE_ROUTE = 16
_OWN_POOLS = (("10.213", range(117, 255)), ("10.214", range(255)), ("192.168", range(254, 1, -1)))
_SETTING = "NEXUSDEV_SUBNET=172.30.0.0/16 nexusdev up   choose from another range of addresses"


class HostRoute(Struct, frozen=True, kw_only=True):
    """A route of this machine, and its interface."""

    network: Subnet
    interface: str

    def __str__(self) -> str:
        return f"route {self.network} via {self.interface}"


def choose_net(slot: int, taken: Iterable[str], routes: Path = ROUTES, *, pool: str = "") -> str:
    """Return the first three octets of a free /24; 10.213.<slot> unless it is in use.

    Args:
        slot: Number of the instance's port block.
        taken: Subnets of engine networks and other instances in CIDR notation; IPv6 subnets are ignored.
        routes: The kernel's routing table.
        pool: The range of addresses to choose from, in CIDR notation; '' for the default range.

    Raises:
        PreflightFailed: None is free (NO_SUBNET).
    """
    occupied, known = _networks(taken), host_routes(routes)
    for obstacles in (known, [each for each in known if each.network.prefixlen > _WIDE_ROUTE]):
        blocked = [*occupied, *(each.network for each in obstacles)]
        for candidate in _candidates(slot, pool):
            if not any(candidate.overlaps(each) for each in blocked):
                return _octets(candidate)
    raise _none_free(pool, list(_candidates(slot, pool)), occupied, known)


def check(net: str, project: str, taken: Iterable[tuple[str, str]], routes: Path = ROUTES, *, pool: str = "") -> Check:
    """Check the /24 of an instance against the engine's networks and, unless it is in use already, against routes and the setting.

    Args:
        net: Its first three octets.
        project: Name of the instance's Compose project, which is the prefix of its own networks.
        taken: Name and subnet of every network of the engine.
        routes: The kernel's routing table.
        pool: As for ``choose_net``.
    """
    own, networks = Subnet(f"{net}.0/24"), list(taken)
    for name, text in networks:
        if not name.startswith(f"{project}_") and any(own.overlaps(each) for each in _networks([text])):
            return failed("subnet", f"{own} overlaps {text} of network {name}", fix=_MOVE)
    if any(name.startswith(f"{project}_") for name, _ in networks):
        return good("subnet", f"{own}")  # the host's routes contain the network's own route
    if pool and not own.subnet_of(Subnet(pool)):
        return failed("subnet", f"{own} is not in {pool}, which the setting subnet names", fix=_MOVE)
    crossing = [each for each in host_routes(routes) if each.network.overlaps(own)]
    if narrow := next((each for each in crossing if each.network.prefixlen > _WIDE_ROUTE), None):
        return failed("subnet", f"{own} overlaps {narrow}", fix=_MOVE)
    if crossing:
        words = (
            f"{own} is part of {crossing[0]}: hosts there with addresses of {own} are unreachable while the stack is up"
        )
        return warning("subnet", words, fix=_SETTING)
    return good("subnet", f"{own}")


_MOVE = "nexusdev up   take another subnet; all data is kept"


def subnets(networks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield name and CIDR of each subnet of the listed networks."""
    for row in networks:
        for config in (row.get("IPAM") or {}).get("Config") or ():
            if config.get("Subnet"):
                yield row["Name"], config["Subnet"]


def host_routes(table: Path = ROUTES) -> list[HostRoute]:
    """Return the host's IPv4 routes except default ones; empty if the platform has no such file."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    return [route for line in lines if (route := _route(line.split())) is not None]


def _route(fields: list[str]) -> HostRoute | None:
    """Parse one line of /proc/net/route: hexadecimal destination and mask, in the host's (little-endian) order."""
    destination, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
    if mask.bit_count() < _DEFAULT_ROUTE:
        return None
    return HostRoute(network=Subnet((destination & mask, mask.bit_count())), interface=fields[0])


def _networks(texts: Iterable[str]) -> list[Subnet]:
    return [Subnet(text, strict=False) for text in texts if ":" not in text]


def _candidates(slot: int, pool: str) -> Iterator[Subnet]:
    if pool:
        yield from Subnet(pool).subnets(new_prefix=24)
        return
    yield Subnet(f"10.213.{slot}.0/24")
    for prefix, thirds in _OWN_POOLS:
        yield from (Subnet(f"{prefix}.{third}.0/24") for third in thirds)


def _octets(network: Subnet) -> str:
    return str(network.network_address).rpartition(".")[0]


def _none_free(pool: str, candidates: list[Subnet], occupied: list[Subnet], known: list[HostRoute]) -> PreflightFailed:
    """Return the error that names the users of the address range, largest first."""
    ranges = pool or "10.213.0.0/16, 10.214.0.0/16 and 192.168.0.0/16"
    users = [
        *((each.network, str(each)) for each in known),
        *((each, f"network {each} of the engine") for each in occupied),
    ]
    users.sort(key=lambda each: each[0].prefixlen)
    named = [words for network, words in users if any(network.overlaps(each) for each in candidates)]
    return PreflightFailed(
        "no free /24 subnet for the instance's network",
        why=f"all of {ranges} is in use: {'; '.join(named[:3])}"
        + (f"; and {len(named) - 3} more" if len(named) > 3 else ""),  # noqa: PLR2004
        hint=f"{_SETTING}\ndocker network prune   remove unused networks\n"
        "nexusdev gc --data     remove instances whose project folder is gone, with their data; lists them and asks",
        evidence=named,
        code="NO_SUBNET",
    )
