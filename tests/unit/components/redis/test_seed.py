"""Seeding Redis: users, the mark, project files, a new password; done twice it is the same as once."""

from __future__ import annotations

import hashlib

import pytest

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.redis import names
from nexusdev.components.redis.component import create
from nexusdev.components.redis.project_seed import commands
from nexusdev.components.redis.seed import library
from nexusdev.errors import SeedingFailed
from tests.unit.components.redis.world import NONCE, World, sha256

COMPONENT = create({})

NODES = ("redis-0", "redis-1", "redis-2", "sentinel-0", "sentinel-1", "sentinel-2")


def file(text: str, path: str = "redis/010-first.redis") -> SeedFile:
    return SeedFile(path=path, content=text.encode(), sha256=hashlib.sha256(text.encode()).hexdigest())


def test_a_fresh_store_is_marked_and_a_second_seeding_changes_nothing(redis: World) -> None:
    assert COMPONENT.seed(redis.access, {}) == (Change(what="wrote the instance's nonce"),)
    assert COMPONENT.seed(redis.access, {}) == ()
    assert redis.servers["redis-2"].mark == NONCE


def test_a_wrong_mark_is_replaced(redis: World) -> None:
    for server in redis.servers.values():
        server.mark = "0ther"
    COMPONENT.seed(redis.access, {})
    assert redis.servers["redis-0"].mark == NONCE


def test_the_mark_is_written_to_the_current_master(redis: World) -> None:
    redis.become_master("redis-1")
    COMPONENT.seed(redis.access, {})
    assert ["FUNCTION", "LOAD", "REPLACE", library(NONCE)] in redis.servers["redis-1"].seen


def test_differing_users_are_updated_and_saved_on_their_node(redis: World) -> None:
    redis.servers["redis-1"].users["nexus_app"] = ["off"]
    del redis.sentinels["sentinel-2"].users["nexus_app"]
    changes = [change.what for change in COMPONENT.seed(redis.access, {})]
    assert changes[:2] == ["set user nexus_app on redis-1", "set user nexus_app on sentinel-2"]
    assert redis.servers["redis-1"].users["nexus_app"] == ["on", f"#{sha256('appPassword')}", "-@admin"]
    assert (redis.servers["redis-1"].saved, redis.sentinels["sentinel-2"].saved, redis.servers["redis-0"].saved) == (
        1,
        1,
        0,
    )


def test_a_down_node_does_not_block_the_users_of_the_others(redis: World) -> None:
    redis.down.add("sentinel-0")
    assert COMPONENT.seed(redis.access, {}) == (Change(what="wrote the instance's nonce"),)


def test_seeding_without_a_master_raises_seeding_failed(redis: World) -> None:
    for server in redis.servers.values():
        server.role = "slave"
    with pytest.raises(SeedingFailed) as failure:
        COMPONENT.seed(redis.access, {})
    assert failure.value.why == "there is not exactly one master"


def test_a_refusal_quotes_the_server(redis: World) -> None:
    redis.servers["redis-0"].refused_commands["FUNCTION"] = "NOREPLICAS Not enough good replicas to write."
    with pytest.raises(SeedingFailed) as failure:
        COMPONENT.seed(redis.access, {})
    assert failure.value.why == "NOREPLICAS Not enough good replicas to write."


def test_a_file_is_applied_once_by_its_hash(redis: World) -> None:
    greeting = file('# the first words\nSET greeting "hello world"\n\nHSET basket apples 3\n')
    assert COMPONENT.apply(redis.access, [greeting]) == (Change(what="applied redis/010-first.redis"),)
    assert redis.servers["redis-0"].keys["greeting"] == {"": "hello world"}
    assert COMPONENT.apply(redis.access, [greeting]) == ()
    assert COMPONENT.apply(redis.access, [file("SET greeting bye\n")]) == (
        Change(what="applied redis/010-first.redis"),
    )


def test_redis_files_are_applied_in_name_order(redis: World) -> None:
    files = [
        file("SET b 1", "redis/020-b.redis"),
        file("SET a 1", "redis/010-a.redis"),
        file("not for us", "redis/README.md"),
    ]
    assert [change.what for change in COMPONENT.apply(redis.access, files)] == [
        "applied redis/010-a.redis",
        "applied redis/020-b.redis",
    ]


def test_no_server_is_asked_without_files(redis: World) -> None:
    assert COMPONENT.apply(redis.access, []) == ()
    assert not any(server.seen for server in redis.servers.values())


def test_a_file_runs_as_the_application(redis: World) -> None:
    COMPONENT.apply(redis.access, [file("SET a 1")])
    assert ["AUTH", names.APP_USER, "appPassword"] in redis.servers["redis-0"].seen


def test_a_refused_file_is_named_and_retried_next_time(redis: World) -> None:
    wrong = file("CONFIG SET maxmemory 1")
    for _ in range(2):
        with pytest.raises(SeedingFailed, match=r"seed/redis/010-first.redis: CONFIG SET maxmemory 1 failed"):
            COMPONENT.apply(redis.access, [wrong])


def test_words_are_split_like_a_shell() -> None:
    assert commands(file("SET 'a b' \"c d\"\n  # no\n\nLPUSH l x")) == [["SET", "a b", "c d"], ["LPUSH", "l", "x"]]


def test_an_open_quotation_mark_is_shown_with_its_line() -> None:
    with pytest.raises(SeedingFailed, match="line 2: No closing quotation"):
        commands(file('SET a 1\nSET "b 2'))


def test_a_new_password_is_valid_on_every_node_and_the_old_one_on_none(redis: World) -> None:
    changes = COMPONENT.rotate(redis.access)
    new = redis.access.secrets.read(names.APP_PASSWORD)
    assert [change.what for change in changes] == [f"changed the password of nexus_app on {node}" for node in NODES]
    assert new != "appPassword"
    for node in (*redis.servers.values(), *redis.sentinels.values()):
        assert node.users["nexus_app"] == node.users["default"] == ["on", f"#{sha256(new)}", "-@admin"]


def test_passwords_are_only_sent_to_log_in(redis: World) -> None:
    COMPONENT.rotate(redis.access)
    new = redis.access.secrets.read(names.APP_PASSWORD)
    reply = [words for node in redis.servers.values() for words in node.seen if words[0] != "AUTH"]
    assert not any(new in word or "appPassword" in word for words in reply for word in words)


def test_seeding_completes_an_interrupted_rotation(redis: World) -> None:
    redis.access.secrets.write(names.APP_PASSWORD, "newPassword")
    assert len(COMPONENT.seed(redis.access, {})) == len(names.APP_USERS) * len(NODES) + 1
    assert COMPONENT.seed(redis.access, {}) == ()
