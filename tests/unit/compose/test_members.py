"""Every file that lists the servers of a group lists all of them: a server that is added is not forgotten in the gateway or Prometheus."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev.context import stack_file
from tests.topology import next_free, stack

COMPOSE = stack_file().parent
#: What is built, generated from Python or tests rules by example, instead of listing servers.
NO_LISTS = {"image", "dashboards", "tests"}
_PROSE = re.compile(r'"""(?s:.)*?"""|^\s*#.*$', re.MULTILINE)


def groups() -> Mapping[str, Sequence[str]]:
    """The services of each group that has several, without sidecars, by their ordinals, in the compose files."""
    found: dict[str, list[str]] = defaultdict(list)
    for service in sorted(stack().services.values(), key=lambda each: each.ordinal):
        if service.role != "sidecar":
            found[f"{service.component} {service.group}"].append(service.name)
    return {group: names for group, names in found.items() if len(names) > 1}


def files() -> Sequence[Path]:
    """The files that may list servers."""
    found = [
        each
        for each in COMPOSE.rglob("*")
        if each.is_file() and each.name != "images.lock.yaml" and each.suffix != ".pyc"
    ]
    return sorted(each for each in found if not NO_LISTS & {*each.relative_to(COMPOSE).parts})


def mentions(text: str, names: Sequence[str]) -> Sequence[int]:
    """How often a text without its comments has each name."""
    code = _PROSE.sub("", text)
    return [len(re.findall(rf"(?<![\w-]){re.escape(name)}(?!\w)", code)) for name in names]


def forgotten(groups: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    """Each file that has one server of a group less often than another, and what it lacks.

    The first server may be there more often: files also begin with it.
    """
    found = {}
    for file in files():
        for names in groups.values():
            first, *others = mentions(file.read_text(encoding="utf-8"), names)
            if len({*others}) > 1 or first < max(others):
                counted = ", ".join(f"{name} {count}" for name, count in zip(names, (first, *others), strict=True))
                found[str(file.relative_to(COMPOSE))] = counted
    return found


def test_each_file_lists_all_servers_of_a_group_equally_often() -> None:
    assert forgotten(groups()) == {}


def test_an_added_server_is_reported_missing_in_every_file() -> None:
    servers = groups()["redis redis"]
    more = forgotten({"redis redis": [*servers, f"redis-{len(servers)}"]})
    assert more.keys() == {
        "redis/compose.yaml",
        "redis/redis-entrypoint.sh",
        "redis/sentinel-entrypoint.sh",
        "gateway/rw/checks.cfg",
        "gateway/ro/checks.cfg",
        "gateway/rw/redis.cfg",
        "gateway/ro/redis.cfg",
        "monitoring/prometheus.yml",
    }


def test_free_ports_and_addresses_belong_to_no_service() -> None:
    ports, addresses = next_free()
    services = stack().services.values()
    assert ports
    assert addresses
    assert not {*ports} & {port.host % 100 for each in services for port in each.ports}
    assert not {*addresses} & {int(each.address.rpartition(".")[2]) for each in services if each.address}
