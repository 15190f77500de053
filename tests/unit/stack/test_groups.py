"""Services of one group are replicas of each other, and the files are held to it."""

from __future__ import annotations

import pytest

from nexusdev.errors import InvalidConfig
from tests.unit.stack.conftest import Files

PAIR = """\
name: shop
networks:
  nexus: {ipam: {config: [{subnet: "10.213.0.0/24"}]}}
volumes: {db-0: {}, db-1: {}}
services:
  db-0:
    image: db:1
    hostname: db-0
    command: [serve, --name=db-0]
    environment: {NODE: db-0, PEERS: "db-0,db-1", LEVEL: warn}
    networks: {nexus: {ipv4_address: 10.213.0.30, aliases: [db-first]}}
    ports: ["127.0.0.1:21040:5432"]
    volumes: [db-0:/data]
    mem_limit: 64m
    x-nexusdev: {component: db}
  db-1:
    image: db:1
    hostname: db-1
    command: [serve, --name=db-1]
    environment: {NODE: db-1, PEERS: "db-0,db-1", LEVEL: warn}
    networks: {nexus: {ipv4_address: 10.213.0.31}}
    ports: ["127.0.0.1:21041:5432"]
    volumes: [db-1:/data]
    mem_limit: 64m
    x-nexusdev: {component: db}
"""
HEAD, SECOND = PAIR.partition("  db-1:\n")[0], PAIR.partition("  db-1:\n")[2]


def changed(old: str, new: str) -> str:
    """The pair with another second member."""
    assert old in SECOND
    return f"{HEAD}  db-1:\n{SECOND.replace(old, new)}"


def test_members_may_differ_in_name_place_and_volumes(files: Files) -> None:
    stack = files.load(PAIR)
    assert [(each.group, each.ordinal) for each in stack.services.values()] == [("db", 0), ("db", 1)]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("image: db:1", "image: db:2", "image"),
        ("LEVEL: warn", "LEVEL: debug", "environment"),
        (", LEVEL: warn", "", "environment"),
        ("NODE: db-1", "NODE: db-2", "environment"),
        ("--name=db-1", "--name=other", "command"),
        ("[serve, --name=db-1]", "[serve]", "command"),
        (":5432", ":5433", "ports"),
        ("db-1:/data", "db-1:/other", "volumes"),
        ("mem_limit: 64m", "mem_limit: 32m", "mem_limit"),
    ],
)
def test_a_differing_member_is_reported_with_file_line_and_key(files: Files, old: str, new: str, key: str) -> None:
    text = changed(old, new)
    with pytest.raises(InvalidConfig) as raised:
        files.load(text)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if number > 16 and f"{key}:" in each)
    assert f"stack.yaml:{line}: services.db-1.{key}: db-1 differs from db-0 in {key}" in raised.value.message


def test_a_missing_key_is_reported_at_its_member(files: Files) -> None:
    with pytest.raises(InvalidConfig, match=r"services\.db-1.*: db-1 differs from db-0 in mem_limit"):
        files.load(changed("    mem_limit: 64m\n", ""))


@pytest.mark.parametrize("word", ["group: other", "role: observer"])
def test_another_group_or_role_is_no_replica(files: Files, word: str) -> None:
    files.load(changed("image: db:1", "image: db:2").removesuffix("component: db}\n") + f"component: db, {word}}}\n")


def test_ordinals_are_unique(files: Files) -> None:
    with pytest.raises(InvalidConfig, match=r"services\.db-1.*db-1 and db-0 have the same ordinal in group db: 0"):
        files.load(changed("component: db}", "component: db, ordinal: 0}"))
