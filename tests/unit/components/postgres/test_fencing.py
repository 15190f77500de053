"""The leader key of a dead primary: read, compared and deleted in etcd's own words."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from nexusdev.components import https_connection
from nexusdev.components.https_connection import Response
from nexusdev.components.postgres.fencing import LEADER_KEY, MEMBERS, Entry, entry, fence, transaction
from nexusdev.interfaces import InstanceAccess

ALIVE = '{"conn_url": "postgres://postgresql-0:5432/postgres", "api_url": "https://postgresql-0:8008/patroni", "state": "running"}'


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


class Etcd:
    """etcd's HTTP gateway with the leader key and the entry of its holder. ``silent``: how many members do not answer."""

    def __init__(self, holder: str, *, silent: int = 0) -> None:
        self.silent = silent
        self.moved = ""
        self.keys = {
            LEADER_KEY: Entry(key=LEADER_KEY, value=holder, revision=7, lease="55"),
            MEMBERS + holder: Entry(key=MEMBERS + holder, value=ALIVE, revision=6, lease="55"),
        }
        self.asked: list[str] = []

    def request(self, method: str, address: object, path: str, *, name: str, body: bytes, **_: Any) -> Response:
        self.asked.append(f"{name} {path}")
        if self.silent:
            self.silent -= 1
            raise ConnectionRefusedError("refused")
        document = json.loads(body)
        if path == "/v3/kv/range":
            found = self.keys.get(b64decode(document["key"]).decode())
            return self._reply({"kvs": [self._shown(found)]} if found else {})
        holds = all(map(self._holds, document["compare"]))
        if holds:
            for each in document["success"]:
                self._apply(each)
        return self._reply({"succeeded": True} if holds else {})

    def _holds(self, condition: dict[str, str]) -> bool:
        found = self.keys[b64decode(condition["key"]).decode()]
        revision = found.revision + (found.key == self.moved)
        return condition.get("value", encoded(found.value)) == encoded(found.value) and condition.get(
            "mod_revision", str(revision)
        ) == str(revision)

    def _apply(self, operation: dict[str, dict[str, str]]) -> None:
        for name, request in operation.items():
            key = b64decode(request["key"]).decode()
            if name == "request_delete_range":
                del self.keys[key]
            else:
                value = b64decode(request["value"]).decode()
                self.keys[key] = Entry(key=key, value=value, revision=8, lease=request["lease"])

    @staticmethod
    def _shown(found: Entry) -> dict[str, str]:
        shown = {"key": encoded(found.key), "value": encoded(found.value), "mod_revision": str(found.revision)}
        return {**shown, "lease": found.lease}

    @staticmethod
    def _reply(document: object) -> Response:
        return Response(status=200, body=json.dumps(document).encode())


@pytest.fixture
def etcd(monkeypatch: pytest.MonkeyPatch) -> Etcd:
    found = Etcd("postgresql-0")
    monkeypatch.setattr(https_connection, "request", found.request)
    return found


def test_the_key_of_a_dead_primary_is_deleted(access: InstanceAccess, etcd: Etcd) -> None:
    done = fence(access, "postgresql-0")
    assert done.done == "deleted the leader key of postgresql-0 (revision 7)"
    assert LEADER_KEY not in etcd.keys


def test_no_replica_asks_a_dead_primary_before_its_promotion(access: InstanceAccess, etcd: Etcd) -> None:
    fence(access, "postgresql-0")
    member = etcd.keys[MEMBERS + "postgresql-0"]
    assert json.loads(member.value) == {"conn_url": "postgres://postgresql-0:5432/postgres", "state": "running"}
    assert member.lease == "55"


def test_a_primary_without_an_entry_is_fenced_too(access: InstanceAccess, etcd: Etcd) -> None:
    del etcd.keys[MEMBERS + "postgresql-0"]
    assert fence(access, "postgresql-0").done
    assert etcd.keys == {}


def test_the_key_of_another_server_stays(access: InstanceAccess, etcd: Etcd) -> None:
    before = dict(etcd.keys)
    assert fence(access, "postgresql-1").why == "postgresql-0 holds the leader key"
    assert etcd.keys == before


@pytest.mark.parametrize("key", [LEADER_KEY, MEMBERS + "postgresql-0"])
def test_a_key_that_was_written_again_meanwhile_stays(access: InstanceAccess, etcd: Etcd, key: str) -> None:
    etcd.moved, before = key, dict(etcd.keys)
    assert fence(access, "postgresql-0").why == "the leader key was written again meanwhile"
    assert etcd.keys == before


def test_without_a_key_there_is_nothing_to_do(access: InstanceAccess, etcd: Etcd) -> None:
    del etcd.keys[LEADER_KEY]
    assert fence(access, "postgresql-0").why == "no server holds the leader key"


def test_another_member_of_etcd_is_asked_if_one_does_not_answer(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.silent = 1
    assert fence(access, "postgresql-0").done
    assert etcd.asked[0].startswith("etcd-0 ")
    assert etcd.asked[1].startswith("etcd-1 ")


def test_without_etcd_nothing_is_done(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.silent = 9
    assert fence(access, "postgresql-0").why.startswith("no member of etcd answers; ")


def test_other_services_are_never_fenced(access: InstanceAccess, etcd: Etcd) -> None:
    assert fence(access, "etcd-0").why == "it is no PostgreSQL server"
    assert etcd.asked == []


def test_the_deletion_is_guarded_by_value_and_revision() -> None:
    guards = transaction(Entry(key=LEADER_KEY, value="postgresql-2", revision=41), None)["compare"]
    assert [(each["target"], each["result"]) for each in guards] == [("VALUE", "EQUAL"), ("MOD", "EQUAL")]
    assert guards[0]["value"] == encoded("postgresql-2")
    assert guards[1]["mod_revision"] == "41"


def test_no_key_in_the_reply() -> None:
    assert entry({"header": {}}) is None
